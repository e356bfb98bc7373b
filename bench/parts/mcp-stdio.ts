import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { MCPCTL, startSystem } from '../../tests/testing/system.ts'
import { declareServer } from './everything.ts'
import { loaded } from './mcp-candidates.ts'
import { inTurns, median, timed } from './measure.ts'
import { userEnv } from './user-env.ts'

const ROUNDS = 9
const CALLS = 300

interface StdioClient {
  /** From the start of the program until it had answered `initialize`. */
  readonly startMs: number
  call(tool: string): Promise<void>
  end(): Promise<void>
}

const connect = async (
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
): Promise<StdioClient> => {
  const began = performance.now()
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const waiting = new Map<number, () => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result } = JSON.parse(line) as { id?: number; result?: object }
    if (id === undefined) return
    if (result === undefined) throw new Error(line.slice(0, 500))
    waiting.get(id)?.()
  })
  let lastId = 0
  const request = (method: string, params: object): Promise<void> =>
    new Promise((resolve) => {
      const id = ++lastId
      waiting.set(id, resolve)
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    })
  const clientInfo = { name: 'bench', version: '1' }
  await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  const startMs = performance.now() - began
  return {
    startMs,
    call: (tool) => request('tools/call', { name: tool, arguments: { message: 'x' } }),
    async end() {
      const exit = once(child, 'exit')
      child.stdin.end()
      await exit
    },
  }
}

/**
 * `mcpctl mcp` over STDIO: `start_ms` until it has answered `initialize`, over `node_ms` for a node that answers with
 * nothing; `call_ms` of the echo tool through it, over `direct_call_ms` of the server's own STDIO. In turns, medians.
 */
export const overStdio = async (home: string): Promise<object> => {
  await mkdir(home, { recursive: true })
  const system = await startSystem(home)
  try {
    const endpoint = await declareServer(loaded.stdio, userEnv(home), system)
    const through = [process.execPath, MCPCTL, 'mcp', '-p', 'bench'] as const
    const start = async (command: readonly [string, ...string[]]): Promise<number> => {
      const client = await connect(command, userEnv(home))
      await client.end()
      return client.startMs
    }
    const calls = async (command: readonly [string, ...string[]], tool: string): Promise<number> => {
      const client = await connect(command, userEnv(home))
      const took: number[] = []
      for (let i = 0; i < CALLS; i++) took.push(await timed(() => client.call(tool)))
      await client.end()
      return median(took)
    }
    const { node_ms, start_ms, direct_call_ms, call_ms } = await inTurns(ROUNDS, {
      node_ms: () => start([process.execPath, '-e', ANSWERS_AT_ONCE]),
      start_ms: () => start(through),
      direct_call_ms: () => calls(loaded.stdio, 'echo'),
      call_ms: () => calls(through, endpoint.tool),
    })
    return {
      node_ms,
      start_ms,
      added_start_ms: rounded(start_ms - node_ms),
      direct_call_ms,
      call_ms,
      added_call_ms: rounded(call_ms - direct_call_ms),
    }
  } finally {
    await system.kill('SIGTERM')
  }
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

const ANSWERS_AT_ONCE =
  'process.stdin.once("data",()=>console.log(JSON.stringify({jsonrpc:"2.0",id:1,result:{}}))).on("end",()=>process.exit()).resume()'
