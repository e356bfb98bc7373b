import { isDeepStrictEqual } from 'node:util'
import { CliError } from '../../errors.ts'
import { type ClientDocument, type Content, type EntryFields, membersOf, type Path, valueAt } from './document.ts'
import { applied, type Edit } from './edit.ts'
import { parseJson } from './json.ts'
import { parseToml } from './toml.ts'

export type Format = 'json' | 'toml'

/** @throws CliError `bad-client-config` with line and column */
export const openDocument = (format: Format, text: string, file: string): ClientDocument =>
  format === 'json' ? parseJson(text, file) : parseToml(text, file)

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
    const same = isDeepStrictEqual(plain(there[field]), value)
    const users = !owned.includes(field) && Object.hasOwn(there, field)
    if (!same && !users) step((document) => document.putField(path, field, value))
  }
  return { edits, text }
}

/** Applies edits, reads the result anew, and refuses it if anything but the entry has changed. */
const checked = (
  { format, file, text }: Source,
  path: Path,
  make: (document: ClientDocument) => readonly Edit[],
): Change => {
  const before = openDocument(format, text, file)
  const edits = make(before)
  const next = applied(text, edits)
  const after = next === undefined ? undefined : openDocument(format, next, file)
  if (
    next === undefined ||
    after === undefined ||
    !isDeepStrictEqual(without(before.root, path), without(after.root, path))
  )
    throw new CliError('bad-client-config', `${file} is written in a way that cannot be edited safely`, {
      hint: 'Nothing was changed. Add the entry by hand: --print shows it',
    })
  return { edits, text: next }
}

/** Plain data without one entry, and without the parents that hold nothing else. */
const without = (root: unknown, [key = '', ...rest]: Path): unknown => {
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return plain(root)
  const kept = new Map<string, unknown>(Object.entries(root))
  const inner = rest.length === 0 ? undefined : without(kept.get(key), rest)
  if (inner === undefined || isDeepStrictEqual(inner, {})) kept.delete(key)
  else kept.set(key, inner)
  return plain(Object.fromEntries(kept))
}

/** Objects without prototypes, which parsers make, as ordinary ones. */
const plain = (value: unknown): unknown => structuredClone(value)
