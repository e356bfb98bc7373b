import { isDeepStrictEqual } from 'node:util'
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser'
import { badClientConfig, type ClientDocument, type Path, type Span } from './document.ts'
import { bareOrQuoted, type Place, TomlEditor } from './toml-editor.ts'

type ValuePath = readonly (string | number)[]

/**
 * TOML. An entry may be tables of its own (`[mcp_servers.demo]`) or a value on one line (`demo = { … }`); where it is written as
 * dotted keys, or inside a parent on one line, edits are refused.
 * @throws CliError `bad-client-config` with line and column
 */
export const parseToml = (text: string, file: string): ClientDocument => {
  const shift = text.startsWith('\ufeff') ? 1 : 0
  const body = text.slice(shift)
  const refuse = (at: number, message: string) => badClientConfig(file, text, at + shift, message)
  const program = parsed(body, (at, reason) => refuse(at, `it is no TOML (${reason})`))
  const top = program.body[0]
  const tables = top.body.filter((each) => each.type === 'TOMLTable')

  const find = (path: Path): Place => {
    const shown = path.map(bareOrQuoted).join('.')
    const own = tables.filter(({ resolvedKey }) => startsWith(resolvedKey, path))
    for (const [keyValue, at] of keyValuesOf(top)) {
      if (isDeepStrictEqual(at, path)) return { form: 'inline', keyValue }
      const inOwnTable = own.some(({ body: inside }) => inside.includes(keyValue))
      if (!inOwnTable && startsWith(at, path))
        throw refuse(keyValue.range[0], `${shown} is written as dotted keys; write it as [${shown}]`)
      if (startsWith(path, at))
        throw refuse(keyValue.range[0], `${at.join('.')} is written on one line; write it as [${shown}]`)
    }
    const parent = path.slice(0, -1)
    const list = tables.find(
      ({ kind, resolvedKey }) => kind === 'array' && isDeepStrictEqual(resolvedKey.slice(0, -1), parent),
    )
    if (list !== undefined) throw refuse(list.range[0], `${parent.join('.')} is a list; write it as [${shown}]`)
    const [first] = own
    if (first === undefined)
      return { form: 'none', after: tables.filter(({ resolvedKey }) => resolvedKey[0] === path[0]).at(-1) }
    return {
      form: 'tables',
      first,
      all: own,
      exact: own.find(({ resolvedKey }) => isDeepStrictEqual(resolvedKey, path)),
    }
  }
  const editor = new TomlEditor(body)
  const moved = <Each extends { readonly at: number }>(edits: readonly Each[]): readonly Each[] =>
    edits.map((each) => ({ ...each, at: each.at + shift }))

  return {
    root: getStaticTOMLValue(program),
    spans: () =>
      [...keyValuesOf(top)]
        .flatMap(([{ value }, path]) => valueSpans(value, path))
        .concat(program.comments.map(({ range }) => ({ start: range[0], end: range[1], path: undefined })))
        .map(({ start, end, path }) => ({ start: start + shift, end: end + shift, path })),
    source: (path) => editor.source(find(path)),
    put: (path, content) =>
      moved(
        'fields' in content
          ? editor.put(path, find(path), content.fields)
          : editor.putBack(path, find(path), content.source),
      ),
    remove: (path) => moved(editor.remove(find(path))),
    putField: (path, field, value) => moved(editor.putField(path, find(path), field, value)),
    removeField: (path, field) => moved(editor.removeField(find(path), field)),
  }
}

const parsed = (body: string, refuse: (at: number, reason: string) => Error): AST.TOMLProgram => {
  try {
    return parseTOML(body, { tomlVersion: '1.1' })
  } catch (error) {
    if (error instanceof ParseError) throw refuse(error.index, error.message)
    throw error
  }
}

/** Every key with a value, but for those inside values, with its full path. */
function* keyValuesOf(top: AST.TOMLTopLevelTable): Generator<readonly [AST.TOMLKeyValue, ValuePath]> {
  for (const each of top.body)
    if (each.type === 'TOMLKeyValue') yield [each, namesOf(each)]
    else for (const keyValue of each.body) yield [keyValue, [...each.resolvedKey, ...namesOf(keyValue)]]
}

const namesOf = ({ key }: AST.TOMLKeyValue): readonly string[] =>
  key.keys.map((each) => (each.type === 'TOMLBare' ? each.name : each.value))

const valueSpans = (value: AST.TOMLContentNode, path: ValuePath): readonly Span[] => {
  if (value.type === 'TOMLArray') return value.elements.flatMap((each, i) => valueSpans(each, [...path, i]))
  if (value.type === 'TOMLInlineTable')
    return value.body.flatMap((each) => valueSpans(each.value, [...path, ...namesOf(each)]))
  return [{ start: value.range[0], end: value.range[1], path }]
}

const startsWith = (path: ValuePath, start: ValuePath): boolean =>
  path.length >= start.length && start.every((key, i) => path[i] === key)
