import { invalidCursor } from './errors.ts'

/** An opaque cursor: where a page of `scope` ended. */
export const encodeCursor = (scope: string, at: string): string =>
  Buffer.from(JSON.stringify([scope, at])).toString('base64url')

/**
 * The place a cursor stands for.
 * @throws invalid-cursor unless `encodeCursor` made it for the same scope and the place matches `pattern`
 */
export const decodeCursor = (cursor: string, scope: string, pattern: RegExp): string => {
  const parts = parse(cursor)
  if (!Array.isArray(parts) || parts.length !== 2 || parts[0] !== scope) throw invalidCursor()
  const at: unknown = parts[1]
  if (typeof at !== 'string' || !pattern.test(at)) throw invalidCursor()
  return at
}

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw invalidCursor()
  }
}
