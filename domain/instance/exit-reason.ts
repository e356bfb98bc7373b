/** Lines of stderr that are kept for the reason of an exit, and their characters altogether. */
const REASON_LINES = 10
const REASON_CHARACTERS = 2_000

/** The newest few lines of a program's stderr. */
export const lastLines = () => {
  const lines: string[] = []
  return {
    push(line: string): void {
      if (line.trim() === '') return
      lines.push(line.slice(0, REASON_CHARACTERS))
      if (lines.length > REASON_LINES) lines.shift()
    },
    toString: (): string => lines.join('\n').slice(-REASON_CHARACTERS),
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
  return stderr === '' ? `${how}; it wrote nothing on stderr.` : `${how}. Its last lines on stderr:\n${stderr}`
}
