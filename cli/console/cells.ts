import stringWidth from 'string-width'

/** How many cells of a terminal a safe line takes. */
export const widthOf = (line: string): number => stringWidth(line)

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Exactly `width` cells of a safe line: cut with `…`, or filled with spaces. */
export const pad = (line: string, width: number): string => {
  const short = cut(line, width)
  return short + ' '.repeat(Math.max(0, width - widthOf(short)))
}

/** At most `width` cells of a safe line. */
export const cut = (line: string, width: number): string => {
  if (width <= 0) return ''
  if (widthOf(line) <= width) return line
  let kept = ''
  let used = 0
  for (const { segment } of segments.segment(line)) {
    used += widthOf(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** A safe line as several of at most `width` cells, broken at spaces where there are some. */
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
