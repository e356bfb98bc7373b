import type { FieldError } from '../domain/kernel/errors.ts'

/** What mcpctl's exit codes mean; `mcpctl --help` prints them. */
export const exitCode = {
  ok: 0,
  /** The server refused, a check failed, or `diff` found a difference. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  interrupted: 130,
} as const

export const EXIT_CODES_HELP = `Exit codes:
  0    done; for "diff": no difference
  1    the server refused, something failed, or "diff" found a difference
  2    wrong usage; nothing was sent
  3    mcpd does not answer
  4    not logged in, or not allowed
  130  interrupted`

interface CliErrorDetails {
  /** What a person can do about it. */
  readonly hint?: string | undefined
  readonly fields?: readonly FieldError[] | undefined
  readonly exit?: number
  /** HTTP status of the answer it came from. */
  readonly status?: number
  /** Seconds until a repeat may succeed. */
  readonly retryAfter?: number | undefined
  readonly cause?: unknown
}

/** An error on purpose: printed as one line with its hint, never with a stack. Anything else that is thrown is a bug. */
export class CliError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly fields: readonly FieldError[]
  readonly exit: number
  readonly status: number | undefined
  readonly retryAfter: number | undefined

  constructor(code: string, message: string, details: CliErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'CliError'
    this.code = code
    this.hint = details.hint
    this.fields = details.fields ?? []
    this.exit = details.exit ?? exitCode.failed
    this.status = details.status
    this.retryAfter = details.retryAfter
  }
}

/** Exit code 2: the command line makes no sense; nothing was sent. */
export const usageError = (message: string, hint?: string): CliError =>
  new CliError('usage', message, { hint, exit: exitCode.usage })

/** Exit code 130: Ctrl-C. */
export const interrupted = (): CliError => new CliError('interrupted', 'interrupted', { exit: exitCode.interrupted })

/** Whether an unknown thrown value is a CliError of that code. */
export const isCode = (error: unknown, code: string): error is CliError =>
  error instanceof CliError && error.code === code
