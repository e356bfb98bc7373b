import { JSONPath } from 'jsonpath-plus'
import { messageOf } from '../../domain/kernel/errors.ts'
import { usageError } from '../errors.ts'

/**
 * kubectl's jsonpath templates: text, `{.items[*].metadata.name}`, `{"\n"}` and `{range .items[*]}…{end}`; a path may stand
 * without its braces when it is all there is. Filters (`[?(@.kind=="server")]`) are evaluated without `eval`.
 *
 * @returns the text; several results are parted by spaces, objects are JSON
 * @throws CliError `usage` when the template makes no sense
 */
export const jsonpath = (template: string, value: unknown): string => {
  const text = template.trim()
  const braced = text.includes('{') && !/^[.$[]/.test(text) ? template : `{${text}}`
  const { nodes, rest } = parse(split(braced), template)
  if (rest.length > 0) throw usageError(`jsonpath: {end} without {range} in ${template}`)
  return render(nodes, value)
}

type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'range'; readonly path: string; readonly body: readonly Node[] }

type Part = { readonly text: string; readonly code: boolean }

/** Texts and what stands in braces; braces inside quotes and filters belong to them. */
const split = (template: string): readonly Part[] => {
  const parts: Part[] = []
  let at = 0
  while (at < template.length) {
    const open = template.indexOf('{', at)
    if (open !== at) parts.push({ text: template.slice(at, open < 0 ? undefined : open), code: false })
    if (open < 0) break
    const close = closing(template, open)
    parts.push({ text: template.slice(open + 1, close).trim(), code: true })
    at = close + 1
  }
  return parts
}

const closing = (template: string, open: number): number => {
  let quote = ''
  for (let i = open + 1; i < template.length; i += 1) {
    const character = template[i] ?? ''
    if (quote !== '') {
      if (character === '\\') i += 1
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '}') return i
  }
  throw usageError(`jsonpath: a brace is not closed in ${template}`, "Example: -o jsonpath='{.items[*].metadata.name}'")
}

const parse = (parts: readonly Part[], template: string): { nodes: readonly Node[]; rest: readonly Part[] } => {
  const nodes: Node[] = []
  let left = parts
  while (left.length > 0) {
    const [part, ...after] = left
    if (part === undefined) break
    if (!part.code) nodes.push({ type: 'text', text: part.text })
    else if (part.text === 'end') return { nodes, rest: left }
    else if (/^["']/.test(part.text)) nodes.push({ type: 'text', text: literal(part.text) })
    else if (/^range\s/.test(part.text)) {
      const body = parse(after, template)
      if (body.rest.length === 0) throw usageError(`jsonpath: {range} without {end} in ${template}`)
      nodes.push({ type: 'range', path: part.text.slice('range'.length).trim(), body: body.nodes })
      left = body.rest.slice(1)
      continue
    } else nodes.push({ type: 'path', path: part.text })
    left = after
  }
  return { nodes, rest: [] }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

const literal = (quoted: string): string =>
  quoted.slice(1, -1).replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character)

const render = (nodes: readonly Node[], value: unknown): string =>
  nodes
    .map((node) => {
      if (node.type === 'text') return node.text
      const found = evaluate(node.path, value)
      return node.type === 'path' ? found.map(show).join(' ') : found.map((each) => render(node.body, each)).join('')
    })
    .join('')

const evaluate = (path: string, value: unknown): readonly unknown[] => {
  if (path === '@' || path === '.' || path === '$') return [value]
  if (!/^[.@$[]/.test(path))
    throw usageError(`jsonpath: "${path}" is no path`, 'A path begins with a dot: {.metadata.name}')
  const relative = path.replace(/^[@$]/, '')
  // `\.` is a dot inside a name; jsonpath-plus wants such a name in brackets.
  const bracketed = relative.replace(
    /\.((?:[^.[\]\\]|\\.)*\\\.(?:[^.[\]\\]|\\.)*)/g,
    (_, name: string) => `['${name.replaceAll('\\.', '.')}']`,
  )
  try {
    const found: unknown = JSONPath({ path: `$${bracketed}`, json: value as object, eval: 'safe', wrap: true })
    return Array.isArray(found) ? found : []
  } catch (error) {
    throw usageError(`jsonpath: ${path}: ${messageOf(error)}`)
  }
}

const show = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value)
