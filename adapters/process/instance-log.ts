import type { LogLine, ReadLogOptions } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { type Follower, follower } from './follower.ts'
import { logFiles } from './log-files.ts'
import { cutLine, formatLine, MAX_LOG_LINE, selectLines } from './log-lines.ts'

/** What a program may log for long, and at once; what comes faster is left out and counted. */
const LOG_BYTES_PER_SECOND = 256 * 1024
const LOG_BURST_BYTES = 1024 * 1024
/** Characters that may wait for the disk. */
const MAX_PENDING_LOG = 4 * 1024 * 1024

export interface InstanceLogOptions {
  readonly folder: string
  readonly logger: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A line that waits for the disk; a note on missing lines stands for all of them. */
interface Pending extends LogLine {
  readonly standsFor: number
}

/** A bucket of bytes. An empty one stays shut until it has filled for a second: one gap a second, not one a line. */
const openBudget = () => {
  let left = LOG_BURST_BYTES
  let filled = performance.now()
  return (bytes: number): boolean => {
    const seconds = (performance.now() - filled) / 1_000
    if (bytes > left && seconds >= 1) {
      left = Math.min(LOG_BURST_BYTES, left + seconds * LOG_BYTES_PER_SECOND)
      filled += seconds * 1_000
    }
    if (bytes > left) {
      left = 0
      return false
    }
    left -= bytes
    return true
  }
}

/**
 * The log of one instance. Lines are taken at once and written in batches, one write at a time; reading waits its turn
 * among the writes, so that a reader who follows misses nothing and sees nothing twice.
 */
export const instanceLog = ({ folder, logger, now }: InstanceLogOptions) => {
  const files = logFiles(folder)
  const followers = new Set<Follower>()
  const affordable = openBudget()
  let pending: Pending[] = []
  let pendingSize = 0
  let leftOut = 0
  let flushing = false
  let failing = false
  let begun = false
  let closed = false
  let turn: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {}) // its caller hears of it; the next one's turn comes all the same
    return result
  }

  const keep = (source: LogLine['source'], line: string, standsFor = 1) => {
    pending.push({ at: new Date(now()).toISOString(), source, line, standsFor })
    pendingSize += line.length
  }

  const noteLeftOut = () => {
    if (leftOut === 0) return
    keep('mcpd', `[${leftOut} lines left out: too many at once, or the disk did not take them]`, leftOut)
    leftOut = 0
  }

  const flush = async (): Promise<void> => {
    flushing = false
    const lines = pending
    if (lines.length === 0) return
    pending = []
    pendingSize = 0
    try {
      await files.write(lines.map(formatLine).join(''))
      failing = false
    } catch (error) {
      leftOut += lines.reduce((sum, { standsFor }) => sum + standsFor, 0)
      if (!failing) logger.error({ folder, err: error }, 'A log cannot be written; its lines are left out until it can')
      failing = true
    }
    for (const one of followers) one.push(lines.map(({ at, source, line }) => ({ at, source, line })))
  }

  const enough = ({ tail, since }: ReadLogOptions) => {
    const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since)
    return (lines: readonly LogLine[]) =>
      (tail !== undefined && lines.length >= tail) || (lines[0] !== undefined && Date.parse(lines[0].at) < from)
  }

  return {
    /** Takes one line of text without newline. Never waits and never throws. @param clean takes secrets out of what is kept */
    append(source: LogLine['source'], line: string, clean: (line: string) => string = (same) => same): void {
      if (closed) return
      const room = pendingSize < MAX_PENDING_LOG
      if (!room || (source !== 'mcpd' && !affordable(Math.min(line.length, MAX_LOG_LINE)))) {
        leftOut++
        return
      }
      noteLeftOut()
      keep(source, cutLine(clean(line)))
      if (flushing) return
      flushing = true
      void inTurn(flush)
    },

    /** As `InstanceLogWriter` says. */
    async startRun(session?: string): Promise<boolean> {
      if (session !== undefined && begun) return false
      begun = true
      await inTurn(async () => {
        await flush()
        await files.startRun()
      })
      return true
    },

    /** @returns the lines asked for and, with `follow`, what goes on from exactly there. */
    read: (options: ReadLogOptions): Promise<{ lines: readonly LogLine[]; following?: Follower }> =>
      inTurn(async () => {
        await flush()
        const run = options.previous === true ? 'previous' : 'current'
        const lines = selectLines(await files.read(run, enough(options)), options)
        if (options.follow !== true || options.previous === true) return { lines }
        const following = follower()
        followers.add(following)
        return { lines, following }
      }),

    unfollow: (following: Follower): void => {
      followers.delete(following)
    },

    /** Writes what waits. With `remove`, removes the files. Followers end. */
    close: (options: { remove: boolean }): Promise<void> =>
      inTurn(async () => {
        noteLeftOut()
        closed = true
        await flush()
        for (const one of followers) one.end()
        await (options.remove ? files.remove() : files.close())
      }),
  }
}
export type InstanceLog = ReturnType<typeof instanceLog>
