import { readdirSync, readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import type { System } from '../testing/system.ts'

/** The running system that is sent bad input, and what can be seen of it from outside. */
export interface Target {
  readonly server: URL
  readonly mcplocal: URL
  readonly token: string
  readonly system: System
  /** Position of the newest event. */
  head(): Promise<bigint>
  /** What the system uses now; memory after a collection of garbage. */
  usage(): Promise<Usage>
  /** Lines of its log that tell of a bug. */
  complaints(): readonly string[]
}

export interface Usage {
  /** Bytes. */
  readonly heap: number
  /** Bytes that are the process's own: mapped files (the log) are not counted. */
  readonly rss: number
  /** Open files and sockets. */
  readonly handles: number
}

/** Start the system with this in `NODE_OPTIONS`, so that garbage can be collected from outside. */
export const INSPECT = '--inspect=127.0.0.1:0'

export const targetOf = (system: System): Target => {
  const inspector = /Debugger listening on (ws:\S+)/.exec(system.output())?.[1] ?? ''
  const authorized = { headers: { authorization: `Bearer ${system.token}` } }
  return {
    server: new URL(system.server),
    mcplocal: new URL(system.mcplocal),
    token: system.token,
    system,
    async head() {
      const answer = await fetch(`${system.server}/api/v1/status`, authorized)
      return BigInt(((await answer.json()) as { log: { head: string } }).log.head)
    },
    async usage() {
      await collectGarbage(inspector)
      const status = readFileSync(`/proc/${system.pid}/status`, 'utf8')
      return {
        heap: await heapUsed(system.server),
        rss: Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) * 1024,
        handles: readdirSync(`/proc/${system.pid}/fd`).length,
      }
    },
    complaints: () =>
      system
        .output()
        .split('\n')
        .filter((line) => /"level":[56]0|Unhandled|Uncaught|triggerUncaught| {4}at /.test(line)),
  }
}

const heapUsed = async (server: string): Promise<number> => {
  const text = await (await fetch(`${server}/metrics`)).text()
  return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1])
}

const collectGarbage = (inspector: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(inspector)
    socket.on('error', reject)
    socket.on('open', () => {
      socket.send('{"id":1,"method":"HeapProfiler.enable"}')
      socket.send('{"id":2,"method":"HeapProfiler.collectGarbage"}')
      socket.send('{"id":3,"method":"HeapProfiler.disable"}')
    })
    socket.on('message', (data) => {
      if (!String(data).startsWith('{"id":3')) return
      socket.close()
      resolve()
    })
  })
