import { CodedError } from '../domain/kernel/errors.ts'
import { sqlState } from './database-errors.ts'
import type { Poison } from './fold.ts'
import type { ProjectionError } from './tables.ts'

const WAY_OUT =
  'Run a version of mcpd that can handle this event, or repair the log; then run "mcpctl admin rebuild". Nothing is lost: rows are as of the event before it'
const MAX_MESSAGE = 500

/** Why an event stopped a read model, for people: no payload in it, so none of the database's own words either. */
export const explain = ({ event, cause }: Poison): ProjectionError => ({
  ...reasonOf(cause),
  event: {
    position: String(event.position),
    stream: event.stream,
    revision: String(event.revision),
    type: event.type,
  },
})

const reasonOf = (cause: unknown): Pick<ProjectionError, 'code' | 'message' | 'hint'> => {
  if (cause instanceof CodedError)
    return { code: cause.code, message: cause.message.slice(0, MAX_MESSAGE), hint: cause.details.hint ?? WAY_OUT }
  const state = sqlState(cause)
  const message = state === undefined ? `its payload cannot be folded: ${textOf(cause)}` : refusal(state, cause)
  return { code: 'unhandled-event', message: message.slice(0, MAX_MESSAGE), hint: WAY_OUT }
}

/** Only what the language itself says of missing members: other messages may quote the payload. */
const textOf = (cause: unknown): string =>
  cause instanceof TypeError ? cause.message : cause instanceof Error ? cause.name : 'unknown'

const refusal = (state: string, cause: unknown): string => {
  const column = typeof cause === 'object' && cause !== null && 'column' in cause ? cause.column : undefined
  return `the database refuses the row it makes (SQLSTATE ${state}${typeof column === 'string' ? `, column ${column}` : ''})`
}
