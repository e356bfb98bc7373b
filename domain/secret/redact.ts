/** Values shorter than this are not looked for: they would black out ordinary words. */
const MIN_REDACTED_CHARS = 6
/** Lines of a value (of a PEM key, say) are also looked for one by one from this length on. */
const MIN_REDACTED_LINE_CHARS = 8
/** Longer texts are cut off before they are searched: the cost of a line is bounded, and nothing passes unsearched. */
export const MAX_REDACTED_TEXT_CHARS = 64 * 1024
/** Forms of values that are looked for. With more than that, no text is let through at all. */
const MAX_REDACTED_FORMS = 200_000

export const REDACTED = '[redacted]'

/**
 * Makes a function that blacks out these values in free text: as they are, JSON-escaped, in base64 (at any offset within
 * a longer text), hex and URL form. One pass over the text, however many values there are. Build it anew when the values change.
 *
 * @example
 * const redact = redactor(['hunter2'])
 * redact('login failed: hunter2') // 'login failed: [redacted]'
 */
export const redactor = (values: Iterable<string>): ((text: string) => string) => {
  const forms = new Set<string>()
  for (const value of values) for (const form of formsOf(value)) if (form.length >= MIN_REDACTED_CHARS) forms.add(form)
  if (forms.size > MAX_REDACTED_FORMS) return () => REDACTED
  const search: Search = { byStart: groupByStart(forms), pairs: pairsOf(forms) }
  return (text) => {
    if (text.length <= MAX_REDACTED_TEXT_CHARS) return blackOut(text, search, false)
    const kept = blackOut(text.slice(0, MAX_REDACTED_TEXT_CHARS), search, true)
    return `${kept}… (${text.length - MAX_REDACTED_TEXT_CHARS} more characters)`
  }
}

/** Forms by their first `MIN_REDACTED_CHARS` characters, longest first. */
type ByStart = ReadonlyMap<string, readonly string[]>

const groupByStart = (forms: Iterable<string>): ByStart => {
  const groups = new Map<string, string[]>()
  for (const form of forms) {
    const start = form.slice(0, MIN_REDACTED_CHARS)
    const group = groups.get(start)
    if (group === undefined) groups.set(start, [form])
    else group.push(form)
  }
  for (const group of groups.values()) group.sort((a, b) => b.length - a.length)
  return groups
}

/** What is searched for. `pairs`: by `pairAt`, 1 where a form begins so; most places of a text are passed with one look at it. */
interface Search {
  readonly byStart: ByStart
  readonly pairs: Uint8Array
}

const PAIRS = 64 * 1024
const pairAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) << 8) ^ text.charCodeAt(at + 1)) & (PAIRS - 1)

const pairsOf = (forms: Iterable<string>): Uint8Array => {
  const pairs = new Uint8Array(PAIRS)
  for (const form of forms) pairs[pairAt(form, 0)] = 1
  return pairs
}

/** `cut`: the text went on, so what could be the beginning of a value at its end counts as one. */
const blackOut = (text: string, { byStart, pairs }: Search, cut: boolean): string => {
  let out = ''
  let copied = 0
  for (let at = 0; at + MIN_REDACTED_CHARS <= text.length; ) {
    if (pairs[pairAt(text, at)] === 0) {
      at++
      continue
    }
    const group = byStart.get(text.slice(at, at + MIN_REDACTED_CHARS))
    const found = group?.find(
      (form) => text.startsWith(form, at) || (cut && form.length > text.length - at && form.startsWith(text.slice(at))),
    )
    if (found === undefined) {
      at++
      continue
    }
    out += text.slice(copied, at) + REDACTED
    at += found.length
    copied = at
  }
  return copied === 0 ? text : out + text.slice(copied)
}

const formsOf = (value: string): readonly string[] => {
  const trimmed = value.trim() // a value from a file often ends in a line break that no message repeats
  const lines = trimmed.split(/\r?\n/).filter((line) => line.length >= MIN_REDACTED_LINE_CHARS)
  return [...new Set([value, trimmed])].flatMap(encodings).concat(lines)
}

const encodings = (value: string): readonly string[] => {
  const bytes = Buffer.from(value, 'utf8')
  const text = bytes.toString('utf8') // well-formed: encodeURIComponent throws on half a surrogate pair
  const hex = bytes.toString('hex')
  const whole = bytes.toString('base64').replace(/=+$/, '')
  const base64 = [whole, ...[0, 1, 2].map((offset) => base64Within(bytes, offset))]
  const json = jsonEscaped(value)
  const component = encodeURIComponent(text)
  return [
    value,
    json,
    jsonEscaped(json), // a line of JSON that holds JSON
    asciiOnly(json), // as Python writes JSON
    jsonEscaped(asciiOnly(json)),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((each) => each.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURI(text),
    component,
    component.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams([['', text]]).toString().slice(1),
  ]
}

const jsonEscaped = (text: string): string => JSON.stringify(text).slice(1, -1)
const asciiOnly = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The characters of base64 that depend on `bytes` alone when `offset` (mod 3) other bytes stand before them. */
const base64Within = (bytes: Buffer, offset: number): string => {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}
