import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { environmentOf } from './daemon.ts'
import { printed } from './printed.ts'

/** The built command line. */
export const MCPCTL = fileURLToPath(new URL('../../dist/cli/bin/mcpctl.cjs', import.meta.url))
/** The first start installs packages, on a machine that may be busy. */
const READY_MS = 120_000

/** What one command line came to. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `mcpctl up` as a process of its own, in a home of its own. */
export interface System {
  readonly pid: number
  readonly server: string
  readonly mcplocal: string
  readonly token: string
  /** Everything it has printed so far. */
  output(): string
  /** Runs mcpctl as this system's user. */
  mcpctl(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Ran>
  /** Connects the SDK's own client to a project. */
  connect(project: string): Promise<Client>
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts the built `mcpctl up` on free ports and waits until it says that it can be ended with Ctrl-C. */
export const startSystem = async (
  home: string,
  options: { readonly args?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<System> => {
  const env = { ...environmentOf(home), ...options.env }
  const args = [MCPCTL, 'up', '--port', '0', '--mcplocal-port', '0', ...(options.args ?? [])]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const { log, found } = printed(child, (line) => line.startsWith('Ctrl-C') || undefined, READY_MS)
  await found
  const config = JSON.parse(await readFile(join(home, '.mcpctl', 'config.json'), 'utf8'))
  const { server, mcplocal, token } = config
  return {
    pid: child.pid ?? 0,
    server,
    mcplocal,
    token,
    output: log,
    mcpctl: (args, run = {}) => runMcpctl(args, { ...env, ...run.env }, run.stdin),
    async connect(project) {
      const client = new Client({ name: 'test', version: '1' })
      const transport = new StreamableHTTPClientTransport(new URL(`${mcplocal}/projects/${project}/mcp`), {
        requestInit: { headers: { Authorization: `Bearer ${token}` } },
      })
      await client.connect(transport as Parameters<Client['connect']>[0])
      return client
    },
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exit = once(child, 'exit')
      child.kill(signal)
      const [code] = await exit
      return code
    },
  }
}

/** Runs the built mcpctl once. */
export const runMcpctl = (args: readonly string[], env: Readonly<Record<string, string>>, stdin = ''): Promise<Ran> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [MCPCTL, ...args], { env, timeout: 60_000 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
    child.stdin?.end(stdin)
  })
