import { type JsonObject, type JsonValue, jsonText } from '../../domain/kernel/json.ts'

/** Characters of a result, as JSON, that are searched for secrets: more would hold up everybody else. */
export const MAX_SHOWN_CHARACTERS = 4 * 1024 * 1024
/** What is nested deeper is left out: walking a result takes a stack frame a level. */
const MAX_DEPTH = 200

/** A server's answer as it may be shown to people: without secrets, whichever text they stand in. Undefined if it is too long, or nested too deep to be written. */
export const shownResult = (result: JsonObject, redact: (text: string) => string): JsonObject | undefined => {
  const length = jsonText({ jsonrpc: '2.0', result })?.length
  if (length === undefined || length > MAX_SHOWN_CHARACTERS) return undefined
  return members(result, redact, MAX_DEPTH)
}

const members = (value: JsonObject, redact: (text: string) => string, depth: number): JsonObject =>
  Object.fromEntries(Object.entries(value).map(([key, each]) => [redact(key), shown(each ?? null, redact, depth - 1)]))

const shown = (value: JsonValue, redact: (text: string) => string, depth: number): JsonValue => {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  return Array.isArray(value)
    ? value.map((each: JsonValue) => shown(each, redact, depth - 1))
    : members(value as JsonObject, redact, depth)
}
