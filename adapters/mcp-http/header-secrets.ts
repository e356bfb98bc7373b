import { redactor } from '../../domain/secret/redact.ts'

/** Parts of a value shorter than this are not looked for by themselves: `Bearer` is one. */
const MIN_PART_CHARS = 8

/**
 * Makes a function that takes headers' values out of a text: whole, and what a server could quote of them (the token without
 * its scheme, one cookie of several, what `Basic` holds).
 */
export const headerRedactor = (values: Iterable<string>): ((text: string) => string) => {
  const forms: string[] = []
  for (const value of values) {
    forms.push(value)
    for (const part of value.split(/[\s,;]+/).flatMap(withoutName)) if (part.length >= MIN_PART_CHARS) forms.push(part)
    const basic = /^Basic\s+(\S+)$/i.exec(value)?.[1]
    if (basic !== undefined) forms.push(...credentialsOf(basic))
  }
  return redactor(forms)
}

/** `name=value` and `value`. */
const withoutName = (part: string): readonly string[] => {
  const at = part.indexOf('=')
  return at > 0 && at < part.length - 2 ? [part, part.slice(at + 1)] : [part]
}

const credentialsOf = (basic: string): readonly string[] => {
  const text = Buffer.from(basic, 'base64').toString('utf8')
  return [text, text.slice(text.indexOf(':') + 1)]
}
