import { wrap } from '../output/cells.ts'
import { safeLine, safeLines } from './safe-text.ts'

/** One line of a JSON value as it is shown. */
export interface TreeLine {
  /** Where in the value: `foldKey`. */
  readonly path: string
  readonly depth: number
  /** A member's name or an item's index, safe; undefined for the value itself. */
  readonly name?: string
  /** What is shown after the name, safe. */
  readonly text: string
  readonly kind: 'object' | 'string' | 'number' | 'boolean' | 'null' | 'more'
  /** Whether it can be folded, and is. */
  readonly fold?: 'open' | 'folded'
}

/** Folded and unfolded by hand, by path; the rest is open unless it is deep or long. */
export type Folds = ReadonlyMap<string, boolean>

/** Where in a value: from the outside, keys of members and indexes of items. */
type Path = readonly (string | number)[]

/** What is folded at a place is known by this. */
export const foldKey = (path: Path): string => JSON.stringify(path)

/** Most lines of one value. */
export const MAX_LINES = 20_000
/** A text that is longer than this, or has several lines, can be unfolded into lines. */
const LONG_TEXT = 60
const OPEN_DEPTH = 4
const OPEN_ITEMS = 100

/**
 * The lines of a value, those inside of what is folded left out.
 * @param width cells that a text has when it is unfolded, indentation included
 */
export const treeLines = (value: unknown, folds: Folds, width: number): readonly TreeLine[] => {
  const lines: TreeLine[] = []
  add(lines, value, [], undefined, { folds, width })
  if (lines.length < MAX_LINES) return lines
  return [...lines.slice(0, MAX_LINES), { path: '', depth: 0, kind: 'more', text: '… more than can be shown' }]
}

interface View {
  readonly folds: Folds
  readonly width: number
}

const add = (lines: TreeLine[], value: unknown, path: Path, name: string | undefined, view: View): void => {
  if (lines.length >= MAX_LINES) return
  const line = { path: foldKey(path), depth: path.length, ...(name === undefined ? {} : { name: safeLine(name) }) }
  if (typeof value === 'string') addText(lines, value, line, view)
  else if (typeof value === 'object' && value !== null) addMembers(lines, value, path, line, view)
  else lines.push({ ...line, kind: scalarKind(value), text: String(value) })
}

const scalarKind = (value: unknown): TreeLine['kind'] =>
  typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'null'

type Head = Pick<TreeLine, 'path' | 'depth' | 'name'>

const addText = (lines: TreeLine[], value: string, line: Head, { folds, width }: View): void => {
  const foldable = value.length > LONG_TEXT || value.includes('\n')
  const open = foldable && folds.get(line.path) === true
  const shown = open ? `text of ${value.length} characters` : safeLine(JSON.stringify(value))
  lines.push({ ...line, kind: 'string', text: shown, ...(foldable ? { fold: open ? 'open' : 'folded' } : {}) })
  if (!open) return
  const room = Math.max(MIN_TEXT_WIDTH, width - 2 * line.depth - 6)
  for (const piece of value.split(/\r\n|\n|\r/).flatMap(pieces))
    for (const text of safeLines(piece).flatMap((safe) => wrap(safe, room))) {
      if (lines.length >= MAX_LINES) return
      lines.push({ path: line.path, depth: line.depth + 1, kind: 'string', text })
    }
}

const MIN_TEXT_WIDTH = 20
const PIECE = 1_000

/** A line in pieces short enough to be looked at. */
const pieces = (line: string): readonly string[] =>
  line.length <= PIECE
    ? [line]
    : Array.from({ length: Math.ceil(line.length / PIECE) }, (_, i) => line.slice(i * PIECE, (i + 1) * PIECE))

const addMembers = (lines: TreeLine[], value: object, path: Path, line: Head, view: View): void => {
  const isList = Array.isArray(value)
  const members = membersOf(value)
  const count = isList ? `[${members.length}]` : `{${members.length}}`
  if (members.length === 0) {
    lines.push({ ...line, kind: 'object', text: isList ? '[]' : '{}' })
    return
  }
  const open = view.folds.get(line.path) ?? (path.length < OPEN_DEPTH && members.length <= OPEN_ITEMS)
  const text = open ? count : `${count} ${safeLine(beginning(value))}`
  lines.push({ ...line, kind: 'object', text, fold: open ? 'open' : 'folded' })
  if (!open) return
  for (const [key, member] of members) {
    if (lines.length >= MAX_LINES) return
    add(lines, member, [...path, key], String(key), view)
  }
}

const membersOf = (value: object): readonly (readonly [string | number, unknown])[] =>
  Array.isArray(value) ? [...value.entries()] : Object.entries(value)

const SHOWN_MEMBERS = 3

/** A glimpse of what is folded. */
const beginning = (value: object): string => {
  const glimpse = (member: unknown): string => {
    if (typeof member === 'string') return JSON.stringify(member.slice(0, 40))
    return typeof member === 'object' && member !== null ? '…' : String(member)
  }
  const members = Object.entries(value).slice(0, SHOWN_MEMBERS)
  return members.map(([key, member]) => (Array.isArray(value) ? '' : `${key}: `) + glimpse(member)).join(', ')
}

const MAX_OPENED = 10_000

/** Everything in a value unfolded, as far as that is not too much. */
export const allOpen = (value: unknown): Folds => {
  const folds = new Map<string, boolean>()
  const open = (member: unknown, path: Path): void => {
    if (folds.size >= MAX_OPENED) return
    const isObject = typeof member === 'object' && member !== null
    if (isObject || typeof member === 'string') folds.set(foldKey(path), true)
    if (isObject) for (const [key, each] of membersOf(member)) open(each, [...path, key])
  }
  open(value, [])
  return folds
}
