/** What may stand in an event, a request or a row: JSON, and nothing JSON cannot say (no bigint, no Date). An undefined member is an absent one. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** Whether a JSON value is an object, not an array or null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Whether lists and objects stand in each other more than `levels` deep in a JSON text. Looked at before it is parsed: what
 * walks a deep value (writes it, hashes it) takes a stack frame a level.
 */
export const nestsDeeperThan = (text: string, levels: number): boolean => {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b || char === 0x7b) {
      depth += 1
      if (depth > levels) return true
    } else if (char === 0x5d || char === 0x7d) depth -= 1
  }
  return false
}

/** JSON of a value, or undefined if it nests deeper than the stack allows or is longer than a text can be. */
export const jsonText = (value: object): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
