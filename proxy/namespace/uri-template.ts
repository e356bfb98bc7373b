/** `{…}` of RFC 6570. */
const EXPRESSION = /\{[^{}]*\}/g

const literals = (template: string): string[] => template.split(EXPRESSION)

/** How many characters of a template are literal: the more, the more specific it is. */
export const literalLength = (template: string): number => literals(template).join('').length

/**
 * Whether a URI can be an expansion of a template: its literal parts are there in their order, with anything between. More is not asked, as
 * clients expand templates with more or less care; and it takes linear time whatever the template is.
 */
export const matchesTemplate = (template: string, uri: string): boolean => {
  const parts = literals(template)
  const first = parts[0] ?? ''
  if (parts.length === 1) return uri === first
  const last = parts.at(-1) ?? ''
  if (uri.length < first.length + last.length || !uri.startsWith(first) || !uri.endsWith(last)) return false
  const end = uri.length - last.length
  let from = first.length
  for (const part of parts.slice(1, -1)) {
    const at = uri.indexOf(part, from)
    if (at < 0 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}
