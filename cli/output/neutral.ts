/**
 * Data may hold terminal escapes: a description that clears the screen, a log line that renames the window. Control
 * characters (C0, DEL, C1) and the ones that turn the direction of text are written as `\x1b` or `\u202e`.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, but for tab and newline
const UNSAFE_IN_TEXT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** For one line or cell: newlines and tabs are written out too. */
export const neutralLine = (text: string): string => text.replace(UNSAFE, written)

/** For text of several lines. */
export const neutralText = (text: string): string => text.replace(UNSAFE_IN_TEXT, written)

/** Whether `neutralText` leaves a text as it is. */
export const isNeutral = (text: string): boolean => text.search(UNSAFE_IN_TEXT) < 0

const written = (character: string): string => {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
