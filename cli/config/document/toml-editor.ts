import { type AST, parseTOML } from 'toml-eslint-parser'
import type { EntryFields, EntryValue, Path } from './document.ts'
import { type Edit, lineEnd, lineStart, newlineOf, nextLine, together } from './edit.ts'

/** Where an entry stands. */
export type Place =
  | { readonly form: 'none'; readonly after: AST.TOMLTable | undefined }
  /** `name = { … }` */
  | { readonly form: 'inline'; readonly keyValue: AST.TOMLKeyValue }
  /** `[parent.name]` (`exact`, not always there) and the tables below it. */
  | {
      readonly form: 'tables'
      readonly first: AST.TOMLTable
      readonly all: readonly AST.TOMLTable[]
      readonly exact: AST.TOMLTable | undefined
    }

type Node = { readonly range: readonly [number, number] }

/** Makes edits of one TOML text, in its newlines. */
export class TomlEditor {
  readonly #text: string
  readonly #newline: string

  constructor(text: string) {
    this.#text = text
    this.#newline = newlineOf(text)
  }

  source(place: Place): string | undefined {
    if (place.form === 'none') return undefined
    if (place.form === 'inline') return this.#textOf(place.keyValue.value)
    let [source, end] = ['', place.first.range[0]]
    for (const each of place.all.map((one) => this.#withLine(one))) {
      const gap = this.#text.slice(end, each.range[0])
      source += (gap.trim() === '' ? gap : this.#newline + this.#newline) + this.#textOf(each)
      end = each.range[1]
    }
    return source
  }

  put(path: Path, place: Place, fields: EntryFields): readonly Edit[] {
    if (place.form === 'inline') return [this.#replace(place.keyValue.value, printedValue(fields))]
    return this.#putBlock(place, this.#block(path, Object.entries(fields).map(printedField)))
  }

  /** Writes an entry as `source` gave it, in another place or form if need be. */
  putBack(path: Path, place: Place, source: string): readonly Edit[] {
    if (!source.startsWith('{')) {
      if (place.form !== 'inline') return this.#putBlock(place, source)
      return together([this.#cutLines(place.keyValue), ...this.#append(undefined, source)])
    }
    if (place.form === 'inline') return [this.#replace(place.keyValue.value, source)]
    const prefix = 'entry = '
    const [entry] = parseTOML(prefix + source, { tomlVersion: '1.1' }).body[0].body
    const value = entry?.type === 'TOMLKeyValue' ? entry.value : undefined
    const fields = value?.type === 'TOMLInlineTable' ? value.body : []
    const lines = fields.map(({ range }) => (prefix + source).slice(...range))
    return this.#putBlock(place, this.#block(path, lines))
  }

  remove(place: Place): readonly Edit[] {
    if (place.form === 'inline') return [this.#cutLines(place.keyValue)]
    return place.form === 'tables' ? together(place.all.map((each) => this.#cutLines(each))) : []
  }

  putField(path: Path, place: Place, field: string, value: EntryValue): readonly Edit[] {
    const line = printedField([field, value])
    if (place.form === 'inline') return this.#changeInline(place.keyValue, field, line)
    if (place.form === 'none') throw new Error(`${path.join('.')} is not there`)
    const { exact, first } = place
    if (exact === undefined) {
      const block = `${this.#block(path, [line])}${this.#newline}${this.#newline}`
      return [...this.removeField(place, field), { at: first.range[0], remove: '', insert: block }]
    }
    const [same, second] = exact.body.filter((each) => nameOf(each) === field)
    if (same !== undefined && second === undefined && same.key.keys.length === 1)
      return [this.#replace(same.value, printedValue(value))]
    const last = exact.body.filter((each) => nameOf(each) !== field).at(-1)
    const at = lineEnd(this.#text, (last ?? exact.key).range[1])
    return together([...this.removeField(place, field), { at, remove: '', insert: `${this.#newline}${line}` }])
  }

  removeField(place: Place, field: string): readonly Edit[] {
    if (place.form === 'inline') return this.#changeInline(place.keyValue, field, undefined)
    if (place.form === 'none') return []
    const depth =
      place.exact?.resolvedKey.length ?? Math.min(...place.all.map(({ resolvedKey }) => resolvedKey.length)) - 1
    const tables = place.all.filter(({ resolvedKey }) => resolvedKey[depth] === field)
    const lines = place.exact?.body.filter((each) => nameOf(each) === field) ?? []
    return together([...tables, ...lines].map((each) => this.#cutLines(each)))
  }

  #putBlock(place: Exclude<Place, { form: 'inline' }>, block: string): readonly Edit[] {
    if (place.form === 'none') return this.#append(place.after, block)
    const [first, ...others] = place.all
    return together([
      ...(first === undefined ? [] : [this.#replace(this.#withLine(first), block)]),
      ...others.map((each) => this.#cutLines(each)),
    ])
  }

  #append(after: AST.TOMLTable | undefined, block: string): readonly Edit[] {
    const [text, newline] = [this.#text, this.#newline]
    if (after !== undefined)
      return [{ at: lineEnd(text, after.range[1]), remove: '', insert: `${newline}${newline}${block}` }]
    const at = text.length
    if (text.trim() === '') return [{ at, remove: '', insert: `${block}${newline}` }]
    if (!text.endsWith('\n')) return [{ at, remove: '', insert: `${newline}${newline}${block}` }]
    const gap = /\n[ \t]*\r?\n$/.test(text) ? '' : newline
    return [{ at, remove: '', insert: `${gap}${block}${newline}` }]
  }

  /** An entry on one line is written anew, its other fields as they were. */
  #changeInline({ value }: AST.TOMLKeyValue, field: string, line: string | undefined): readonly Edit[] {
    const fields = value.type === 'TOMLInlineTable' ? value.body : []
    const place = fields.findIndex((each) => nameOf(each) === field)
    const kept = fields.filter((each) => nameOf(each) !== field).map((each) => this.#textOf(each))
    if (line !== undefined) kept.splice(place < 0 ? kept.length : place, 0, line)
    return [this.#replace(value, kept.length === 0 ? '{}' : `{ ${kept.join(', ')} }`)]
  }

  #block(path: Path, lines: readonly string[]): string {
    return [`[${path.map(bareOrQuoted).join('.')}]`, ...lines].join(this.#newline)
  }

  #replace(node: Node, insert: string): Edit {
    return { at: node.range[0], remove: this.#textOf(node), insert }
  }

  /** The lines of a node, and the blank one before a table that is followed by none or by the end. */
  #cutLines(node: Node & { readonly type: string }): Edit {
    const [from, to] = [lineStart(this.#text, node.range[0]), nextLine(this.#text, node.range[1])]
    const blank =
      node.type === 'TOMLTable' ? (/(?<=\n|^)[ \t]*\r?\n$/.exec(this.#text.slice(0, from))?.[0].length ?? 0) : 0
    return { at: from - blank, remove: this.#text.slice(from - blank, to), insert: '' }
  }

  /** A table with what is said of its last line. */
  #withLine({ range }: Node): Node {
    return { range: [range[0], lineEnd(this.#text, range[1])] }
  }

  #textOf({ range }: Node): string {
    return this.#text.slice(...range)
  }
}

const nameOf = ({ key }: AST.TOMLKeyValue): string | undefined => {
  const [first] = key.keys
  return first?.type === 'TOMLBare' ? first.name : first?.value
}

const printedField = ([field, value]: readonly [string, EntryValue]): string =>
  `${bareOrQuoted(field)} = ${printedValue(value)}`

const printedValue = (value: EntryValue | EntryFields): string => {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (isList(value)) return `[${value.map(quoted).join(', ')}]`
  const fields = Object.entries<EntryValue>(value).map(printedField)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value)

/** A key as TOML takes it. */
export const bareOrQuoted = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key))

/** JSON's escapes are TOML's; only DEL has to be escaped in TOML alone. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f')
