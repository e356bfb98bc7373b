import type { Deps, Input, Prompt } from './deps.ts'
import { CliError, interrupted } from './errors.ts'
import { neutralLine } from './output/neutral.ts'

/** Most bytes taken from standard input: nothing larger fits into one request. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024

/** Whether there is a person to ask: both at the keyboard and to read the question. */
export const canAsk = ({ out, input }: Pick<Deps, 'out' | 'input'>): boolean => input.isTTY && out.notesAreTTY

/** The real standard input. Ctrl-C ends the wait for it. */
export const standardInput = (stdin: NodeJS.ReadStream, signal: AbortSignal): Input => ({
  isTTY: stdin.isTTY === true,
  async text() {
    return Buffer.from(await this.bytes()).toString('utf8')
  },
  async bytes() {
    const chunks: Buffer[] = []
    let bytes = 0
    const stop = () => void stdin.destroy()
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) throw interrupted()
      for await (const chunk of stdin) {
        const buffer = Buffer.from(chunk)
        chunks.push(buffer)
        bytes += buffer.length
        if (bytes > MAX_INPUT_BYTES) throw new CliError('input-too-large', 'standard input is longer than 16 MiB')
      }
    } catch (error) {
      throw signal.aborted ? interrupted() : error
    } finally {
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) throw interrupted()
    return Buffer.concat(chunks)
  },
})

/**
 * Questions on the terminal; the library is loaded with the first one. They go to stderr, for stdout is data. What is asked may be the
 * words of a server or a template.
 */
export const terminalPrompt = (signal: AbortSignal): Prompt => {
  const at = (more?: AbortSignal) => ({
    output: process.stderr,
    signal: more === undefined ? signal : AbortSignal.any([signal, more]),
  })
  return {
    async password(message) {
      const { password } = await import('@inquirer/prompts')
      return await answered(password({ message: neutralLine(message), mask: false }, at()))
    },
    async text(message, more) {
      const { input } = await import('@inquirer/prompts')
      return await answered(input({ message: neutralLine(message) }, at(more)))
    },
    async confirm(message, more) {
      const { confirm } = await import('@inquirer/prompts')
      return await answered(confirm({ message: neutralLine(message), default: false }, at(more)))
    },
  }
}

/** Ctrl-C at a prompt ends mcpctl as Ctrl-C does anywhere. */
const answered = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
  try {
    return await question
  } catch (error) {
    if (error instanceof Error && /^(ExitPromptError|AbortPromptError)$/.test(error.name)) throw interrupted()
    throw error
  }
}

/** A value from standard input or a file: the one newline that editors and `echo` put at its end is not part of it. */
export const withoutLastNewline = (text: string): string => text.replace(/\r?\n$/, '')
