import { readdirSync, readFileSync } from 'node:fs'
import { collectGarbage } from '../testing/garbage.ts'
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

export const targetOf = (system: System): Target => {
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
      await collectGarbage(system.output())
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
