import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { RunRecord } from './run-record.ts'

/** Bytes that may wait for a watcher; one that does not read is replaced. */
const MAX_WATCHER_BUFFER = 1024 * 1024
/** A watcher that lived this long is replaced at once, another one after a pause. */
const STEADY_MS = 1_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** How long a watcher may take to end once its pipe has. */
const CLOSE_WAIT_MS = 10_000

/** The watcher as a program: compiled beside this file, or its source under a loader in development. */
const watcherCommand = (): string[] => {
  const source = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(source ? './watcher-main.ts' : './watcher-main.js', import.meta.url))
  const loader = source ? ['--import', createRequire(import.meta.url).resolve('tsx')] : []
  return ['--max-semi-space-size=1', '--max-old-space-size=32', ...loader, main]
}

export interface Watcher {
  /** Undefined while there is none: before the first program, and for the moment in which one is replaced. */
  readonly pid: number | undefined
  /** Tells what is known of a process group; the bytes are the kernel's when this returns. */
  tell(record: RunRecord): void
  /** The group is gone. */
  forget(key: string): void
  /** Ends the pipe and waits for the watcher, which ends what it still knows. */
  close(): Promise<void>
}

/**
 * Keeps one watcher running from the first program on. It leads a session of its own, so that a terminal's Ctrl-C or a
 * signal to mcpd's group does not reach it, and has an empty environment: nothing of mcpd's is visible in it.
 */
export const startWatcher = (logger: Logger): Watcher => {
  const known = new Map<string, RunRecord>()
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let pause = 0
  let closing = false

  const write = (line: string) => {
    child?.stdin?.write(`${line}\n`)
    // One that does not read is replaced when it has died.
    if ((child?.stdin?.writableLength ?? 0) > MAX_WATCHER_BUFFER) child?.kill('SIGKILL')
  }

  const start = () => {
    timer = undefined
    const since = performance.now()
    const one = spawn(process.execPath, watcherCommand(), {
      cwd: '/',
      detached: true,
      env: {},
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child = one
    const lost = (details: object) => {
      if (child !== one) return
      child = undefined
      if (closing) return
      pause =
        performance.now() - since > STEADY_MS ? 0 : Math.min(Math.max(pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
      logger.warn({ ...details, restartInMs: pause }, 'The process watcher ended; a new one takes over')
      timer = setTimeout(start, pause)
    }
    one.on('error', (error) => lost({ err: error }))
    one.on('exit', (code, signal) => lost({ code, signal }))
    one.stdin?.on('error', () => {}) // it died; `exit` says so
    for (const record of known.values()) write(JSON.stringify(record))
  }

  return {
    get pid() {
      return child?.pid
    },
    tell(record) {
      known.set(record.key, record)
      if (child !== undefined) write(JSON.stringify(record))
      else if (timer === undefined) start() // which tells all that is known
    },
    forget(key) {
      known.delete(key)
      write(`-${key}`)
    },
    async close() {
      closing = true
      clearTimeout(timer)
      const last = child
      if (last === undefined || last.exitCode !== null || last.signalCode !== null) return
      const ended = new Promise<void>((resolve) => {
        last.once('exit', () => resolve())
        last.once('error', () => resolve())
      })
      last.stdin?.end()
      // With nothing left to watch there is nothing to wait for, not even for the end of its start.
      const overdue = setTimeout(() => last.kill('SIGKILL'), known.size === 0 ? 0 : CLOSE_WAIT_MS)
      await ended
      clearTimeout(overdue)
    },
  }
}
