import { CliError, isCode } from '../../errors.ts'
import { type ClientDocument, type Content, type EntryFields, membersOf, type Path, valueAt } from './document.ts'
import { applied, type Edit } from './edit.ts'
import { parseJson } from './json.ts'
import { parseToml } from './toml.ts'

export type Format = 'json' | 'toml'

/** Texts whose documents are kept: a change asks for the one before and the one after again and again. */
const KEPT = 2
const kept: (Source & { readonly document: ClientDocument })[] = []

/** @throws CliError `bad-client-config` with line and column */
export const openDocument = (format: Format, text: string, file: string): ClientDocument => {
  const known = kept.find((each) => each.text === text && each.format === format && each.file === file)
  if (known !== undefined) return known.document
  const document = format === 'json' ? parseJson(text, file) : parseToml(text, file)
  kept.unshift({ format, text, file, document })
  kept.length = Math.min(kept.length, KEPT)
  return document
}

/** A text of one file, and how to read it. */
export interface Source {
  readonly format: Format
  readonly file: string
  readonly text: string
}

/** The edits of a change, one after the other, and what they make of the text. */
export interface Change {
  readonly edits: readonly Edit[]
  readonly text: string
}

/** Writes an entry as a whole. */
export const putEntry = (source: Source, path: Path, content: Content): Change =>
  checked(source, path, (document) => document.put(path, content))

export const removeEntry = (source: Source, path: Path): Change =>
  checked(source, path, (document) => document.remove(path))

/**
 * Writes the fields of an entry that is there, and removes those of `owned` that it no longer has; whatever else the entry holds
 * stays. No edits where all of it is so already.
 */
export const mergeEntry = (source: Source, path: Path, fields: EntryFields, owned: readonly string[]): Change => {
  let [text, edits]: [string, readonly Edit[]] = [source.text, []]
  const step = (make: (document: ClientDocument) => readonly Edit[]): void => {
    const change = checked({ ...source, text }, path, make)
    text = change.text
    edits = [...edits, ...change.edits]
  }
  const there = Object.fromEntries(membersOf(valueAt(openDocument(source.format, text, source.file).root, path)))
  for (const field of owned)
    if (!Object.hasOwn(fields, field) && Object.hasOwn(there, field))
      step((document) => document.removeField(path, field))
  for (const [field, value] of Object.entries(fields)) {
    const same = sameData(there[field], value)
    const users = !owned.includes(field) && Object.hasOwn(there, field)
    if (!same && !users) step((document) => document.putField(path, field, value))
  }
  return { edits, text }
}

/**
 * Applies edits and reads the result anew.
 * @throws CliError `bad-client-config` when anything but the entry has changed, or it can no longer be read
 */
export const checked = (
  { format, file, text }: Source,
  path: Path,
  make: (document: ClientDocument) => readonly Edit[],
): Change => {
  const before = openDocument(format, text, file)
  const edits = make(before)
  const next = applied(text, edits)
  if (
    next !== undefined &&
    isReadable({ format, file, text: next }) &&
    sameBut(before.root, openDocument(format, next, file).root, path)
  )
    return { edits, text: next }
  throw new CliError('bad-client-config', `${file} is written in a way that cannot be edited safely`, {
    hint: 'Nothing was changed. Add the entry by hand: --print shows it',
  })
}

const isReadable = ({ format, file, text }: Source): boolean => {
  try {
    openDocument(format, text, file)
    return true
  } catch (error) {
    if (isCode(error, 'bad-client-config')) return false
    throw error
  }
}

/** Whether two pieces of data are the same in everything but what stands at `path`; parents of it that are empty may be missing. */
const sameBut = (a: unknown, b: unknown, path: Path): boolean => {
  const [key, ...rest] = path
  if (key === undefined || !isTable(a) || !isTable(b)) return sameData(a, b)
  const others = (table: object): readonly string[] => Object.keys(table).filter((each) => each !== key)
  return (
    others(a).length === others(b).length &&
    others(a).every((each) => Object.hasOwn(b, each) && sameData(Reflect.get(a, each), Reflect.get(b, each))) &&
    (rest.length === 0 || sameBut(Reflect.get(a, key) ?? {}, Reflect.get(b, key) ?? {}, rest))
  )
}

/** Not `isDeepStrictEqual`: parsers make objects without prototypes, and it is slow with the megabytes of Claude Code's file. */
const sameData = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => sameData(each, b[i]))
  if (a instanceof Date && b instanceof Date) return a.toString() === b.toString()
  if (!isTable(a) || !isTable(b)) return Object.is(a, b)
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameData(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
