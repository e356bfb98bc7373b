import { neutralLine } from '../output/neutral.ts'

/**
 * What a terminal would not show as a cell or two of its own: format characters (zero-width, joiners, direction), separators of lines, halves of
 * pairs, private and unassigned ones. Servers hide text with them, or move what stands beside them.
 */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu
/** After a symbol: as an emoji, or not. Nothing is lost without it, and some terminals count it as a cell. */
const EMOJI_STYLE = /(?<!\p{Variation_Selector})[\ufe0e\ufe0f](?!\p{Variation_Selector})/gu
/** Marks beyond the second on one letter: they would climb into the lines above. */
const HEAPED_MARKS = /(\p{M}{2})\p{M}+/gu
/** Longest text that is looked at for one line. */
const MAX_LINE = 4_096

/** Text of a server as one line: nothing in it is obeyed by the terminal, and everything in it can be seen. */
export const safeLine = (text: string): string =>
  neutralLine(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text)
    .replace(EMOJI_STYLE, '')
    .replace(UNSEEN, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
    .replace(HEAPED_MARKS, '$1')

/** The lines of a text, each safe. A tab is two spaces. */
export const safeLines = (text: string): string[] =>
  text.split(/\r\n|\n|\r/).map((line) => safeLine(line.replaceAll('\t', '  ')))
