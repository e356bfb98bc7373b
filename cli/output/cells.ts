import { createRequire } from 'node:module'

type StringWidth = typeof import('string-width')

/** What is one cell wide, each: most texts are nothing else. */
const NARROW = /^[\x20-\x7e\xa1-\u02ff\u2010-\u2027]*$/

/** How many cells of a terminal a neutral line takes. The library is loaded with the first text that needs it. */
export const widthOf = (line: string): number => {
  if (NARROW.test(line)) return line.length
  const { default: width }: StringWidth = createRequire(import.meta.url)('string-width')
  return width(line)
}

let segments: Intl.Segmenter | undefined
const graphemes = (line: string): Iterable<Intl.SegmentData> => {
  segments ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segments.segment(line)
}

/** Exactly `width` cells of a neutral line: cut with `…`, or filled with spaces. */
export const pad = (line: string, width: number): string => {
  const short = cut(line, width)
  return short + ' '.repeat(Math.max(0, width - widthOf(short)))
}

/** At most `width` cells of a neutral line. */
export const cut = (line: string, width: number): string => {
  if (width <= 0) return ''
  if (widthOf(line) <= width) return line
  let kept = ''
  let used = 0
  for (const { segment } of graphemes(line)) {
    used += widthOf(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** A neutral line as several of at most `width` cells, broken at spaces where there are some. */
export const wrap = (line: string, width: number, most = Number.POSITIVE_INFINITY): string[] => {
  const lines: string[] = []
  let rest = line
  while (lines.length < most - 1 && widthOf(rest) > width) {
    // A space that stands just behind the line may end it, too.
    const space = cut(rest, width + 2)
      .slice(0, -1)
      .lastIndexOf(' ')
    const at = space > width / 3 ? space : Math.max(cut(rest, width + 1).length - 1, 1)
    lines.push(rest.slice(0, at))
    rest = rest.slice(at).trimStart()
  }
  return [...lines, cut(rest, width)]
}
