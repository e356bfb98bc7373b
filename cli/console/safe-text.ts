import { neutralLine } from '../output/neutral.ts'

/** Whether a symbol is an emoji or not: nothing is lost without it, and some terminals count it as a cell. */
const EMOJI_STYLE = /(?<!\p{Variation_Selector})[\ufe0e\ufe0f](?!\p{Variation_Selector})/gu
/** Longest text that is looked at for one line. */
const MAX_LINE = 4_096

/** Text of a server as one line of the screen. */
export const safeLine = (text: string): string =>
  neutralLine(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text).replace(EMOJI_STYLE, '')

/** The lines of a text, each safe. A tab is two spaces. */
export const safeLines = (text: string): string[] =>
  text.split(/\r\n|\n|\r/).map((line) => safeLine(line.replaceAll('\t', '  ')))
