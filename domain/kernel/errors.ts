import type { JsonValue } from './json.ts'

/** One wrong field: `path` in dotted form (`spec.env.0.name`), or '' for the whole body. */
export interface FieldError {
  readonly path: string
  readonly message: string
}

export interface ErrorDetails {
  /** What a person can do about it: a command, a value, a place to look. */
  readonly hint?: string
  readonly fields?: readonly FieldError[]
  /** Seconds until a repeat may succeed; becomes `Retry-After`. */
  readonly retryAfter?: number
  readonly [extra: string]: JsonValue | readonly FieldError[] | undefined
}

/**
 * An error with a stable code, on purpose and for users. HTTP turns it into an RFC 9457 problem, the CLI into one line
 * and an exit code. Anything else that is thrown is a bug and becomes 500 `internal` without its text.
 */
export class CodedError extends Error {
  readonly code: string
  /** HTTP status. */
  readonly status: number
  readonly details: ErrorDetails

  constructor(code: string, status: number, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CodedError'
    this.code = code
    this.status = status
    this.details = details
  }
}

type Factory<Args extends unknown[]> = ((...args: Args) => CodedError) & {
  readonly code: string
  readonly status: number
}

/** Every code that exists, in the order of definition: `docs/errors.md` and the OpenAPI document are made from it. */
export const errorCatalog: { code: string; status: number; meaning: string }[] = []

/**
 * Defines an error: its code, HTTP status, meaning (for the docs) and how its message and details follow from the arguments.
 *
 * @example
 * export const notFound = coded('not-found', 404, 'No such resource', (ref: Ref) => ({ message: `${showRef(ref)} does not exist` }))
 * throw notFound({ kind: 'server', name: 'github' })
 */
export const coded = <Args extends unknown[]>(
  code: string,
  status: number,
  meaning: string,
  build: (...args: Args) => { message: string } & ErrorDetails,
): Factory<Args> => {
  errorCatalog.push({ code, status, meaning })
  const factory = (...args: Args): CodedError => {
    const { message, ...details } = build(...args)
    return new CodedError(code, status, message, details)
  }
  return Object.assign(factory, { code, status })
}

/** Whether an unknown thrown value is the coded error of that factory. */
export const isError = (error: unknown, factory: { readonly code: string }): error is CodedError =>
  error instanceof CodedError && error.code === factory.code

/** What a thrown value says: the message of an error, the text of anything else. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The `code` of an error that is not ours: a name from Node (`ENOENT`), a number from lmdb or gRPC; undefined without one. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
