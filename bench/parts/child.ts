import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export { freePort } from '../../tests/testing/free-port.ts'

/** A program of ours, as it is built. */
export const built = (name: 'mcpctl' | 'mcpd' | 'mcplocal'): string =>
  fileURLToPath(new URL(`../../dist/cli/bin/${name}.${name === 'mcpctl' ? 'cjs' : 'js'}`, import.meta.url))

/** A process that was started for a bench, with what it has started itself. */
export interface Child {
  readonly pid: number
  /** What `ready` matched; empty without one. */
  readonly match: readonly string[]
  /** Rejects with what it printed when it ends without having been told to. */
  readonly ended: Promise<never>
  stop(): Promise<void>
}

const READY_MS = 60_000
const STOP_MS = 10_000
const KEPT_LINES = 20

/** Process groups that are to end with the bench, however that ends. */
const groups = new Set<number>()
process.on('exit', () => groups.forEach(killGroup))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const killGroup = (pid: number): void => {
  groups.delete(pid)
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of the group is left
  }
}

/**
 * Starts a program and waits until a line of its output matches `ready`; without one, not at all.
 * @throws Error with what it printed when it ends before, or takes more than a minute
 */
export const startChild = async (
  [command, ...args]: readonly [string, ...string[]],
  { ready, env = process.env }: { readonly ready?: RegExp; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Child> => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  groups.add(pid)
  const exit = once(child, 'exit')
  let stopping = false
  const lines: string[] = []
  const firstMatch = matchOf(child, lines, ready)
  const ended = exit.then(([code, signal]) =>
    stopping ? new Promise<never>(() => {}) : fail(`${args.join(' ')} ended with ${code ?? signal}`, lines),
  )
  ended.catch(() => {}) // for whoever waits for something of it
  const late = AbortSignal.timeout(READY_MS)
  const tooLate = once(late, 'abort').then(() => fail(`${args.join(' ')} is not ready`, lines))
  tooLate.catch(() => {}) // looked at only while it is being started
  const match = await Promise.race([firstMatch, ended, tooLate])
  return {
    pid,
    match,
    ended,
    async stop() {
      stopping = true
      const kill = setTimeout(killGroup, STOP_MS, pid)
      child.kill('SIGTERM')
      await exit
      clearTimeout(kill)
      killGroup(pid)
    },
  }
}

const fail = (why: string, lines: readonly string[]): never => {
  throw new Error([why, ...lines].join('\n  '))
}

const matchOf = (child: ChildProcess, lines: string[], ready: RegExp | undefined): Promise<readonly string[]> =>
  new Promise((resolve) => {
    if (ready === undefined) resolve([])
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (lines.length > KEPT_LINES) lines.shift()
        const match = ready?.exec(line) ?? undefined
        if (match !== undefined) resolve(match)
      })
    }
  })
