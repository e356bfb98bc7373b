import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printed } from './printed.ts'

const BIN = fileURLToPath(new URL('../../dist/cli/bin/', import.meta.url))
const READY_MS = 60_000
const TOKEN = /mcpctl_at_[\w-]{43}/

/** The built mcpd or mcplocal as a process of its own. */
export interface Daemon {
  readonly pid: number
  readonly url: string
  /** The first token, where this start has shown one; '' where not. */
  readonly token: string
  /** All that it has printed so far. */
  log(): string
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Sends a signal, SIGKILL if left out, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** One that has just been started. */
export interface Launched extends Omit<Daemon, 'url'> {
  /** Its URL, once it says that it is ready. Rejects with its log when it ends before, or takes too long. */
  readonly ready: Promise<string>
}

export interface DaemonOptions {
  readonly program: 'mcpd' | 'mcplocal'
  /** Nothing is inherited but PATH. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Before the program: `['prlimit', '--core=0']`. */
  readonly wrapper?: readonly string[]
  /** When a start counts as hung. */
  readonly readyMs?: number
}

/** The environment of a program whose home is a test's own folder. */
export const environmentOf = (home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  MCPCTL_HOME: join(home, '.mcpctl'),
})

const spawned = ({ program, home, env, args = [], wrapper = [] }: DaemonOptions): ChildProcess => {
  const line = [...wrapper, process.execPath, join(BIN, `${program}.js`), '--port', '0', ...args]
  return spawn(line[0] ?? '', line.slice(1), {
    env: { ...environmentOf(home), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Starts a program on a free port, and returns at once. */
export const launchDaemon = (options: DaemonOptions): Launched => {
  const child = spawned(options)
  const exited = once(child, 'exit').then(([code]): number | null => code)
  const readyLine = `"msg":"${options.program} is ready"`
  const urlIn = (line: string): string | undefined => (line.includes(readyLine) ? JSON.parse(line).url : undefined)
  const { log, found: ready } = printed(child, urlIn, options.readyMs ?? READY_MS)
  ready.catch(() => undefined) // whoever ends it earlier does not ask
  return {
    pid: child.pid ?? 0,
    ready,
    log,
    get token() {
      return TOKEN.exec(log())?.[0] ?? ''
    },
    exited,
    end(signal = 'SIGKILL') {
      child.kill(signal)
      return exited
    },
  }
}

/** Starts a program on a free port and waits until it says that it is ready. Rejects with its log when it ends before. */
export const startDaemon = async (options: DaemonOptions): Promise<Daemon> => {
  const launched = launchDaemon(options)
  return Object.assign(launched, { url: await launched.ready })
}

/** Runs a program that is expected to end by itself. */
export const runDaemon = async (
  options: DaemonOptions,
): Promise<{ readonly code: number | null; readonly log: string }> => {
  const child = spawned(options)
  const closed = once(child, 'close')
  const { log, found } = printed(child, () => undefined, READY_MS)
  await found.catch(() => child.kill('SIGKILL'))
  const [code] = await closed
  return { code, log: log() }
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
