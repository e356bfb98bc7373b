import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../dist/cli/bin/', import.meta.url))
const READY_MS = 60_000
const TOKEN = /mcpctl_at_[\w-]{43}/

/** The built mcpd or mcplocal as a process of its own. */
export interface Daemon {
  readonly pid: number
  readonly url: string
  /** The first token, where this start has shown one. */
  readonly token: string
  /** All of its standard error so far. */
  log(): string
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export interface DaemonOptions {
  readonly program: 'mcpd' | 'mcplocal'
  /** Nothing is inherited but PATH. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Before the program: `['prlimit', '--core=0']`. */
  readonly wrapper?: readonly string[]
}

/** The environment of a program whose home is a test's own folder. */
export const environmentOf = (home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  MCPCTL_HOME: join(home, '.mcpctl'),
})

const launch = ({ program, home, env, args = [], wrapper = [] }: DaemonOptions): ChildProcess => {
  const line = [...wrapper, process.execPath, join(BIN, `${program}.js`), '--port', '0', ...args]
  return spawn(line[0] ?? '', line.slice(1), {
    env: { ...environmentOf(home), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** Starts a program on a free port and waits until it says that it is ready. Rejects with its log when it ends before. */
export const startDaemon = async (options: DaemonOptions): Promise<Daemon> => {
  const child = launch(options)
  const exited = once(child, 'exit').then(([code]): number | null => code)
  let log = ''
  const ready = new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not ready:\n${log}`)), READY_MS)
    child.stderr?.on('data', (chunk) => {
      log += chunk
      const url = new RegExp(`"url":"([^"]+)".*"msg":"${options.program} is ready"`).exec(log)?.[1]
      if (url === undefined) return
      clearTimeout(late)
      resolve(url)
    })
    void exited.then((code) => {
      clearTimeout(late)
      reject(new Error(`${options.program} ended with ${code}:\n${log}`))
    })
  })
  const url = await ready
  return {
    pid: child.pid ?? 0,
    url,
    log: () => log,
    get token() {
      return TOKEN.exec(log)?.[0] ?? ''
    },
    exited,
    end(signal) {
      child.kill(signal)
      return exited
    },
  }
}

/** Runs a program that is expected to end by itself. */
export const runDaemon = async (
  options: DaemonOptions,
): Promise<{ readonly code: number | null; readonly log: string }> => {
  const child = launch(options)
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  const late = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  const [code] = await once(child, 'close')
  clearTimeout(late)
  return { code, log }
}

/** An answer of mcpd. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test expects of it
  readonly json: any
}

export type Ask = (
  method: string,
  path: string,
  options?: { readonly body?: unknown; readonly raw?: string; readonly headers?: Record<string, string> },
) => Promise<Answer>

/** A client of mcpd's HTTP API with a token. */
export const asking =
  (daemon: () => { readonly url: string }, token: () => string): Ask =>
  async (method, path, { body, raw, headers } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await fetch(`${daemon().url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token()}`,
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      get json() {
        return JSON.parse(text)
      },
    }
  }
