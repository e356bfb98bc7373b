/** Lines of stderr that are kept for the reason of an exit, and their characters altogether. */
const REASON_LINES = 10
const REASON_CHARACTERS = 2_000

/**
 * The newest few lines of a program's stderr.
 * @param clean takes secrets out of a line: only of those that are shown, as a program may print thousands a second
 */
export const lastLines = (clean: (line: string) => string = (line) => line) => {
  const lines: string[] = []
  return {
    push(line: string): void {
      if (line.trim() === '') return
      lines.push(line)
      if (lines.length > REASON_LINES) lines.shift()
    },
    // Cut only when it is clean: of half a secret, nobody knows that it is one.
    toString: (): string =>
      lines
        .map((line) => clean(line).slice(0, REASON_CHARACTERS))
        .join('\n')
        .slice(-REASON_CHARACTERS),
  }
}

export interface Ending {
  readonly code: number | null
  readonly signal: string | null
  /** Why we ended it; undefined when it ended by itself. */
  readonly because: string | undefined
  readonly stderr: string
}

/** One sentence for people, with the last lines of stderr where there are some. */
export const exitReason = ({ code, signal, because, stderr }: Ending): string => {
  if (because !== undefined) return because
  const how =
    signal === null ? `The program ended by itself with exit code ${code}` : `The program was ended by ${signal}`
  return withLastErrors(how, stderr)
}

/** What happened, and the last lines of stderr, or that there were none. */
export const withLastErrors = (what: string, stderr: string): string =>
  stderr === '' ? `${what}; it wrote nothing on stderr.` : `${what}. Its last lines on stderr:\n${stderr}`

const INTRODUCTION = / Its last lines on stderr:$/

/** What happened, without what the program had printed. */
export const withoutOutput = (reason: string): string => (reason.split('\n', 1)[0] ?? reason).replace(INTRODUCTION, '')

/**
 * A reason in one line, for tables: what happened and, of what the program had printed last, the line that most probably
 * says why: the last one that speaks of an error, or the last one.
 */
export const inOneLine = (reason: string): string => {
  const [first = '', ...printed] = reason.split('\n')
  if (!INTRODUCTION.test(first)) return first
  const lines = printed.map((line) => line.trim()).filter((line) => line !== '')
  const telling = lines.findLast((line) => TELLING.test(line)) ?? lines.at(-1)
  const what = withoutOutput(reason)
  return telling === undefined ? what : `${what.replace(/\.$/, '')}: ${telling}`
}
const TELLING = /\b(?:\w*error|\w*exception|fatal|panic|cannot|denied|refused)\b/i
