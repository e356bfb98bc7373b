/** Something that must not be. */
export interface Finding {
  readonly family: string
  /** The route, or whatever the family calls its parts. */
  readonly part: string
  /** Number of the case within its part; undefined when it is about all of them. */
  readonly index?: number
  readonly what: string
  /** What was sent, cut short. */
  readonly sent?: string
}

export const showFinding = (finding: Finding, seed: number): string => {
  const { family, part, index, what, sent } = finding
  const again = `npm run test:fuzz -- --seed ${seed} --family ${family} --part ${JSON.stringify(part)}`
  return [
    `${family}: ${part}${index === undefined ? '' : ` #${index}`}: ${what}`,
    ...(sent === undefined ? [] : [`  sent: ${sent}`]),
    `  again: ${again}${index === undefined ? '' : ` --case ${index}`}`,
  ].join('\n')
}

/** The beginning and the end of some bytes, as one line of printable text. */
export const excerpt = (bytes: Buffer | string, length = 600): string => {
  const text = JSON.stringify(Buffer.from(bytes).toString('latin1'))
  return text.length <= length
    ? text
    : `${text.slice(0, length / 2)} … ${text.slice(-length / 2)} (${bytes.length} bytes)`
}

/** What no answer and no message may show: a stack, a path of the source. */
export const showsInsides = (text: string): boolean =>
  /\n\s+at [^\n]*[(:]|node_modules|file:\/\/|\.[cm]?[jt]s:\d+/.test(text)
