import { cut } from './cells.ts'
import { neutralText } from './neutral.ts'

/** Where a verb prints to. Data goes to `data`, everything said to the person to `note`. */
export interface Output {
  /** Standard output, as it is. */
  data(text: string): void
  /** One line on standard output. */
  line(text?: string): void
  /** One line on standard error. */
  note(text: string): void
  /** Overwrites the last line of standard error when that is a terminal; a plain line otherwise. */
  progress(text: string): void
  /** Ends what `progress` has written. */
  endProgress(): void
  /** Whether standard output is a terminal. */
  readonly isTTY: boolean
  /** Whether standard error is one. */
  readonly notesAreTTY: boolean
  /** Characters a line. */
  readonly columns: number
}

interface Writer {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export const createOutput = (stdout: Writer, stderr: () => Writer): Output => {
  let open = false
  return {
    data: (text) => void stdout.write(text),
    line: (text = '') => void stdout.write(`${text}\n`),
    note: (text) => void stderr().write(`${neutralText(text)}\n`),
    progress(text) {
      const { isTTY, columns } = stderr()
      // A longer one would go on in the next line, which is not overwritten.
      if (isTTY === true) stderr().write(`\r\x1b[K${cut(text, (columns || 80) - 1)}`)
      else stderr().write(`${text}\n`)
      open = true
    },
    endProgress() {
      if (open && stderr().isTTY === true) stderr().write('\n')
      open = false
    },
    isTTY: stdout.isTTY === true,
    get notesAreTTY() {
      return stderr().isTTY === true
    },
    columns: stdout.columns ?? 80,
  }
}
