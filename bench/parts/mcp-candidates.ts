import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from '../../domain/kernel/errors.ts'
import { startSystem } from '../../tests/testing/system.ts'
import { built, freePort, startChild } from './child.ts'
import { answering, declareServer, everything } from './everything.ts'
import type { Endpoint } from './mcp-client.ts'
import { userEnv } from './user-env.ts'

/** Something that answers MCP over HTTP, in processes of its own. */
export interface Candidate {
  readonly endpoint: Endpoint
  /** Of the process that clients talk to, where it is ours. */
  readonly pid?: number
  stop(): Promise<unknown>
}

/** An MCP server with the tool `echo` that candidates stand in front of. */
export interface Upstream {
  readonly stdio: readonly [string, ...string[]]
  /** Itself over HTTP. */
  direct(): Promise<Candidate>
}

/** The reference server. */
export const reference: Upstream = {
  stdio: everything('stdio'),
  async direct() {
    const port = await freePort()
    const env = { ...process.env, PORT: String(port) }
    const child = await startChild(everything('streamableHttp'), { ready: /listening on port/, env })
    return { endpoint: { url: `http://127.0.0.1:${port}/mcp`, tool: 'echo' }, stop: child.stop }
  },
}

const script = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
/** By its path: servers run in folders of their own. */
const TSX = import.meta.resolve('tsx')
const ours = (name: string, ...args: readonly string[]) =>
  [process.execPath, '--import', TSX, script(name), ...args] as const

/** A server whose answers are as heavy as is asked for. */
export const loaded: Upstream = {
  stdio: ours('load-server', 'stdio'),
  async direct() {
    const child = await startChild(ours('load-server', 'http'), { ready: /listening on (\S+)/ })
    return { endpoint: { url: child.match[1] ?? '', tool: 'echo' }, stop: child.stop }
  },
}

/** Starts each candidate in front of a server, in a folder of its own. */
export const candidates: Readonly<Record<string, (upstream: Upstream, folder: string) => Promise<Candidate>>> = {
  async bare({ stdio }) {
    const child = await startChild(ours('bare-router', ...stdio), { ready: /listening on (\S+)/ })
    return { endpoint: { url: child.match[1] ?? '', tool: 'echo' }, stop: child.stop }
  },

  direct: (upstream) => upstream.direct(),

  /** mcpd and mcplocal in one process, as `mcpctl up` runs them. */
  async mcplocal({ stdio }, folder) {
    const system = await startSystem(folder)
    const stop = () => system.kill('SIGTERM')
    return { endpoint: await orStop(stop, declareServer(stdio, userEnv(folder), system)), pid: system.pid, stop }
  },

  /** mcplocal in one process, mcpd in another, the WebSocket link between them. */
  async mcplocal_remote({ stdio }, folder) {
    const token = `mcpctl_at_${randomBytes(32).toString('base64url')}`
    const tokenFile = join(folder, 'token')
    await mkdir(folder, { recursive: true })
    await writeFile(tokenFile, token, { mode: 0o600 })
    const env = { ...userEnv(folder), MCPCTL_BOOTSTRAP_TOKEN_FILE: tokenFile }
    const url = (name: string) => new RegExp(`"url":"([^"]+)".*${name} is ready`)
    const mcpd = await startChild([process.execPath, built('mcpd'), '--port', '0'], { ready: url('mcpd'), env })
    const server = mcpd.match[1] ?? ''
    const mcplocal = await startChild([process.execPath, built('mcplocal'), '--port', '0', '--server', server], {
      ready: url('mcplocal'),
      env,
    })
    const client = { ...env, MCPCTL_SERVER: server, MCPCTL_TOKEN: token }
    const stop = async (): Promise<void> => {
      await mcplocal.stop()
      await mcpd.stop()
    }
    const declared = declareServer(stdio, client, { mcplocal: mcplocal.match[1] ?? '', token })
    return { endpoint: await orStop(stop, declared), pid: mcplocal.pid, stop }
  },

  /** https://www.npmjs.com/package/mcp-proxy, with what it does by default. */
  async mcp_proxy({ stdio }, folder) {
    const program = await installed(folder, 'mcp-proxy@6.7', 'mcp-proxy/dist/bin/mcp-proxy.mjs')
    const options = ['--server', 'stream', '--host', '127.0.0.1', '--']
    return peer((port) => [process.execPath, program, '--port', port, ...options, ...stdio])
  },

  /** https://www.npmjs.com/package/supergateway, with sessions and without its log. */
  async supergateway({ stdio }, folder) {
    const program = await installed(folder, 'supergateway@4', 'supergateway/dist/index.js')
    const options = ['--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none']
    return peer((port) => [process.execPath, program, '--port', port, ...options, '--stdio', stdio.join(' ')])
  },
}

/**
 * Starts candidates. One that does not start is left out, and standard error says why.
 */
export const startAll = async (
  names: readonly string[],
  upstream: Upstream,
  folder: string,
): Promise<ReadonlyMap<string, Candidate>> => {
  const started = new Map<string, Candidate>()
  for (const name of names) {
    try {
      const candidate = await candidates[name]?.(upstream, join(folder, name))
      if (candidate !== undefined) started.set(name, candidate)
    } catch (error) {
      console.error(`${name} does not start: ${messageOf(error)}`)
    }
  }
  return started
}

/** Installs a package into a scratch folder. @returns the path of a file of it */
const installed = async (folder: string, spec: string, file: string): Promise<string> => {
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', spec])
  return join(folder, 'node_modules', file)
}

const peer = async (commandLine: (port: string) => readonly [string, ...string[]]): Promise<Candidate> => {
  const port = await freePort()
  const endpoint = { url: `http://127.0.0.1:${port}/mcp`, tool: 'echo' }
  const child = await startChild(commandLine(String(port)))
  await orStop(child.stop, Promise.race([answering(endpoint), child.ended]))
  return { endpoint, stop: child.stop }
}

/** What is being made, or, where that fails, everything ended that it was made with. */
const orStop = async <Made>(stop: () => Promise<unknown>, made: Promise<Made>): Promise<Made> => {
  try {
    return await made
  } catch (error) {
    await stop()
    throw error
  }
}
