import { CliError } from '../../errors.ts'
import type { Edit } from './edit.ts'

export type Path = readonly string[]

/** A value or a comment: where it stands, and the path of the value. */
export interface Span {
  readonly start: number
  readonly end: number
  /** Undefined for a comment. */
  readonly path: readonly (string | number)[] | undefined
}

/** What can be written as a value of an entry. */
export type EntryValue = Scalar | readonly string[] | Readonly<Record<string, Scalar>>
/** Ours are texts; what a user has written beside them stays what it is. */
export type Scalar = string | boolean | number | null
export type EntryFields = Readonly<Record<string, EntryValue>>

/** An entry to write: its fields, or its text as the same file once had it. */
export type Content = { readonly fields: EntryFields } | { readonly source: string }

/**
 * The configuration file of a client, parsed with the place of every part. It answers edits and never the whole text anew, so
 * that everything outside the edited entry stays as it is, to the byte.
 */
export interface ClientDocument {
  /** The data, as the client sees it. */
  readonly root: unknown
  /** Every plain value and every comment. */
  spans(): readonly Span[]
  /** The text of an entry; undefined where there is none. */
  source(path: Path): string | undefined
  /** Writes a whole entry, over the one that stands there, or as a new one. Missing parents are made. */
  put(path: Path, content: Content): readonly Edit[]
  /** Removes an entry that is there; its parents stay. */
  remove(path: Path): readonly Edit[]
  /** Writes one field of an entry that is there. */
  putField(path: Path, field: string, value: EntryValue): readonly Edit[]
  /** Removes a field that is there. */
  removeField(path: Path, field: string): readonly Edit[]
}

/** A file that is left alone, because we cannot be sure what an edit would do to it; `at` is an offset in its text. */
export const badClientConfig = (file: string, text: string, at: number, message: string): CliError => {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1) + 1
  return new CliError('bad-client-config', `${file}:${line}:${column}: ${message}`, {
    hint: 'Nothing was changed. Mend the file, or take the entry from --print',
  })
}

/** What stands at a path of plain data. */
export const valueAt = (root: unknown, path: Path): unknown => {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

/** The members of an object; none of anything else. */
export const membersOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
