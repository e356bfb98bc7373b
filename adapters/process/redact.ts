/** Shorter values are too likely to be part of ordinary text, and hardly secrets. */
const MIN_REDACTED_LENGTH = 6
const MARK = '[redacted]'

/** The forms in which programs print a value: as it is, line by line, in JSON, in a URL, in base64 and hex. */
const formsOf = (value: string): string[] => {
  const bytes = Buffer.from(value)
  return [
    value,
    ...value.split(/\r?\n/),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(bytes.toString()),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ]
}

/** Makes a function that replaces every occurrence of these values in a text by `[redacted]`. */
export const redactor = (secrets: readonly string[]): ((text: string) => string) => {
  const long = secrets.filter((value) => value.length >= MIN_REDACTED_LENGTH)
  const forms = [...new Set(long.flatMap(formsOf))].filter((form) => form.length >= MIN_REDACTED_LENGTH)
  // Longest first: a value that contains another one goes as a whole.
  forms.sort((a, b) => b.length - a.length)
  return (text) => forms.reduce((clean, form) => (clean.includes(form) ? clean.replaceAll(form, MARK) : clean), text)
}
