import { lastLines } from './exit-reason.ts'
import { lineSplitter } from './line-splitter.ts'
import type { InstanceLogWriter } from './runtime.ts'

/** Longest line of output, in bytes, that is looked at as one where it is no message; what the log keeps of it is shorter. */
export const MAX_LOGGED_LINE = 64 * 1024

/** What a program prints, on its way to its log, and without secrets. The last lines of its stderr are kept. */
export interface ProgramOutput {
  /** Adds text that is not stderr: a line of stdout, or one or several of mcpd's own. */
  write(source: 'stdout' | 'mcpd', text: string): void
  /** Takes the next bytes of stderr. */
  readonly stderr: (chunk: Buffer) => void
  /** Nothing more comes on stderr: what stood behind its last newline counts as a line. */
  endStderr(): void
  /** The last lines of stderr, '' when there were none. */
  lastErrors(): string
  /** How many characters the program has printed to its log since this was asked last. */
  readonly logged: () => number
}

export const programOutput = (
  log: Pick<InstanceLogWriter, 'append'>,
  redact: (text: string) => string,
): ProgramOutput => {
  const tail = lastLines(redact)
  let logged = 0

  const onError = (line: string) => {
    logged += line.length
    tail.push(line)
    log.append('stderr', line, redact)
  }
  const errors = lineSplitter({ maxBytes: MAX_LOGGED_LINE, onLine: onError, onTooLong: onError })

  return {
    write(source, text) {
      if (source === 'mcpd') {
        for (const line of redact(text).split('\n')) log.append(source, line)
        return
      }
      logged += text.length
      log.append(source, text, redact)
    },
    stderr: errors.push,
    endStderr() {
      const rest = errors.end()
      if (rest !== '') onError(rest)
    },
    lastErrors: () => tail.toString(),
    logged() {
      const since = logged
      logged = 0
      return since
    },
  }
}

/** The start of a line of stdout that the program ended within, for its log. */
export const halfLine = (text: string): string =>
  `${text.slice(0, MAX_LOGGED_LINE)} [the output ended within this line]`
