/**
 * What a terminal obeys, or does not show as a cell or two of its own: control characters (C0, DEL, C1), format characters
 * (direction, zero width, joiners, tags), separators of lines, halves of pairs, private and unassigned characters, and marks beyond
 * the fourth on one letter, which climb into the lines above. Data may hold all of it: a description that clears the screen, a
 * name that looks like another. A variation selector that only chooses between text and emoji is harmless.
 */
const UNSAFE =
  /(?<=\p{M}{4})\p{M}|(?![\n\t]|(?<!\p{Variation_Selector})[\ufe0e\ufe0f](?!\p{Variation_Selector}))[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu
/** What nearly every text is: nothing has to be looked for, and the expression above is not even compiled. */
const PLAIN = /^[\x20-\x7e\n\t]*$/

/** For one line or cell: newlines and tabs are written out too, as `\n` and `\t`. */
export const neutralLine = (text: string): string =>
  neutralText(text).replace(/[\n\t]/g, (character) => (character === '\n' ? '\\n' : '\\t'))

/** For text of several lines. What is unsafe is written as YAML has it: `\x1b`, `\u202e`, `\U000e0041`. */
export const neutralText = (text: string): string => (PLAIN.test(text) ? text : text.replace(UNSAFE, inYaml))

/** Whether `neutralText` leaves a text as it is. */
export const isNeutral = (text: string): boolean => neutralText(text) === text

/** The same for JSON, in JSON's escapes: they are read as what they stand for. */
export const neutralJson = (json: string): string => (PLAIN.test(json) ? json : json.replace(UNSAFE, inJson))

const inYaml = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

const inJson = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`)
    .join('')

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')
