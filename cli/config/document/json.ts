import { getNodeValue, type Node, type ParseError, parse, parseTree, printParseErrorCode, visit } from 'jsonc-parser'
import { badClientConfig, type ClientDocument, type Path, type Span } from './document.ts'
import type { Edit } from './edit.ts'
import { endOf, JsonEditor, propertiesOf, type Trivia } from './json-editor.ts'

/** Comments and commas at the end are taken as VS Code takes them: whether the client does is its own affair. */
const OPTIONS = { allowTrailingComma: true, allowEmptyContent: true }

/**
 * JSON, with comments or without.
 * @throws CliError `bad-client-config` with line and column
 */
export const parseJson = (text: string, file: string): ClientDocument => {
  const shift = text.startsWith('\ufeff') ? 1 : 0
  const body = text.slice(shift)
  const refuse = (at: number, message: string) => badClientConfig(file, text, at + shift, message)
  const errors: ParseError[] = []
  const root = parseTree(body, errors, OPTIONS)
  const [error] = errors
  if (error !== undefined) throw refuse(error.offset, `it is no JSON (${printParseErrorCode(error.error)})`)
  if (root !== undefined && root.type !== 'object') throw refuse(root.offset, 'it is no JSON object')

  const find = (path: Path): { readonly object: Node | undefined; readonly missing: Path } => {
    let object = root
    for (const [i, key] of path.entries()) {
      if (object === undefined) return { object, missing: path.slice(i) }
      if (object.type !== 'object') throw refuse(object.offset, `"${path[i - 1]}" is no object`)
      const [property, second] = propertiesOf(object).filter((each) => each.children?.[0]?.value === key)
      if (second !== undefined) throw refuse(second.offset, `"${key}" is there twice`)
      if (property === undefined) return { object, missing: path.slice(i) }
      object = property.children?.[1]
    }
    return { object, missing: [] }
  }
  const edit = (make: (editor: JsonEditor) => readonly Edit[]): readonly Edit[] =>
    make(new JsonEditor(body, root, triviaOf(body).trivia)).map((each) => ({ ...each, at: each.at + shift }))
  const there = (path: Path): Node => {
    const { object, missing } = find(path)
    if (object === undefined || missing.length > 0) throw new Error(`${path.join('.')} is not there`)
    return object
  }

  let data: unknown
  return {
    get root() {
      data ??= root === undefined ? {} : getNodeValue(root)
      return data
    },
    spans: () => triviaOf(body).spans.map(({ start, end, path }) => ({ start: start + shift, end: end + shift, path })),
    source(path) {
      const { object, missing } = find(path)
      return object === undefined || missing.length > 0 ? undefined : textOf(body, object)
    },
    put(path, content) {
      const { object, missing } = find(path)
      if (missing.length === 0 && object !== undefined)
        return edit((editor) =>
          'source' in content ? editor.replaceText(object, content.source) : editor.replace(object, content.fields),
        )
      if (object !== undefined && object.type !== 'object')
        throw refuse(object.offset, `"${path[path.length - missing.length - 1]}" is no object`)
      const value: unknown = 'source' in content ? parse(content.source, [], OPTIONS) : content.fields
      return edit((editor) => editor.insert(object, missing, value))
    },
    remove: (path) => edit((editor) => editor.remove(there(path))),
    putField(path, field, value) {
      const { object, missing } = find([...path, field])
      return edit((editor) =>
        missing.length === 0 && object !== undefined
          ? editor.replace(object, value)
          : editor.insert(there(path), [field], value),
      )
    },
    removeField: (path, field) => edit((editor) => editor.remove(there([...path, field]))),
  }
}

const textOf = (body: string, node: Node): string => body.slice(node.offset, endOf(node))

/** Commas and comments, and every plain value with its path. */
const triviaOf = (body: string): { readonly trivia: Trivia; readonly spans: readonly Span[] } => {
  const commas: number[] = []
  const comments: Span[] = []
  const values: Span[] = []
  visit(
    body,
    {
      onSeparator: (character, offset) => {
        if (character === ',') commas.push(offset)
      },
      onComment: (offset, length) => {
        comments.push({ start: offset, end: offset + length, path: undefined })
      },
      onLiteralValue: (_value, offset, length, _line, _column, path) => {
        values.push({ start: offset, end: offset + length, path: path() })
      },
    },
    OPTIONS,
  )
  return { trivia: { commas, comments }, spans: [...values, ...comments] }
}
