/** One change of a text, in UTF-16 units. It says what it removes, so that it can be checked and taken back. */
export interface Edit {
  readonly at: number
  readonly remove: string
  readonly insert: string
}

/**
 * Applies edits one after the other: each one's place is in the text that the ones before it have left.
 * @returns undefined where the text is not what an edit expects
 */
export const applied = (text: string, edits: readonly Edit[]): string | undefined => {
  let current = text
  for (const { at, remove, insert } of edits) {
    if (!current.startsWith(remove, at) || at > current.length) return undefined
    current = current.slice(0, at) + insert + current.slice(at + remove.length)
  }
  return current
}

/** The edits that take these back. */
export const inverted = (edits: readonly Edit[]): readonly Edit[] =>
  edits.map(({ at, remove, insert }) => ({ at, remove: insert, insert: remove })).reverse()

/** Edits of one text that do not overlap, in an order in which none moves the place of another. */
export const together = (edits: readonly Edit[]): readonly Edit[] => [...edits].sort((a, b) => b.at - a.at)

/** The newline that a text uses: that of its first line. */
export const newlineOf = (text: string): string => /\r?\n/.exec(text)?.[0] ?? '\n'

/** Where the line of a place begins. */
export const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1

/** Where the line of a place ends: at its newline, or at the end of the text. */
export const lineEnd = (text: string, at: number): number => {
  const newline = text.indexOf('\n', at)
  if (newline < 0) return text.length
  return text[newline - 1] === '\r' && newline > at ? newline - 1 : newline
}

/** Where the line after begins, or where the text ends. */
export const nextLine = (text: string, at: number): number => {
  const newline = text.indexOf('\n', at)
  return newline < 0 ? text.length : newline + 1
}

/** What a line begins with. */
export const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, at), lineEnd(text, at)))?.[0] ?? ''

/** Whether only white space stands before a place on its line. */
export const isFirstOnLine = (text: string, at: number): boolean => text.slice(lineStart(text, at), at).trim() === ''
