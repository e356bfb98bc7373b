import type { Node } from 'jsonc-parser'
import { membersOf, type Path, type Span } from './document.ts'
import { type Edit, indentAt, isFirstOnLine, lineStart, newlineOf, nextLine, together } from './edit.ts'

const DEFAULT_INDENT = '  '

/** What of a text is no value, but counts where something is inserted or removed. */
export interface Trivia {
  readonly commas: readonly number[]
  readonly comments: readonly Span[]
}

/** Makes edits of one JSON text in the manner of that text: its newlines, indentation, commas at the end, or one line for all. */
export class JsonEditor {
  readonly #text: string
  readonly #root: Node | undefined
  readonly #trivia: Trivia
  readonly #newline: string
  readonly #unit: string

  /** @param root undefined for a text of nothing but white space and comments */
  constructor(text: string, root: Node | undefined, trivia: Trivia) {
    this.#text = text
    this.#root = root
    this.#trivia = trivia
    this.#newline = newlineOf(text)
    const [first] = root === undefined ? [] : propertiesOf(root)
    const indent = first !== undefined && isFirstOnLine(text, first.offset) ? indentAt(text, first.offset) : ''
    this.#unit = indent === '' ? DEFAULT_INDENT : indent
  }

  replaceText(node: Node, source: string): readonly Edit[] {
    return [{ at: node.offset, remove: this.#text.slice(node.offset, endOf(node)), insert: source }]
  }

  replace(node: Node, value: unknown): readonly Edit[] {
    const around = node.parent?.parent
    const inline = around !== undefined && this.#isOneLine(around)
    return this.replaceText(node, this.#printed(value, inline ? undefined : indentAt(this.#text, node.offset)))
  }

  /** Inserts a value below `object`, with the objects that are missing on the way to it. */
  insert(object: Node | undefined, missing: Path, value: unknown): readonly Edit[] {
    const [key = '', ...rest] = missing
    const nested = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
    if (object === undefined) return this.#insertRoot({ [key]: nested })
    const last = propertiesOf(object).at(-1)
    if (last === undefined) return this.#insertFirst(object, key, nested)
    return this.#isOneLine(object)
      ? this.#insertInLine(object, last, key, nested)
      : this.#insertLine(object, last, key, nested)
  }

  /** Removes the property whose value this is, with its comma, and its lines where nothing else stands on them. */
  remove(value: Node): readonly Edit[] {
    const property = value.parent
    const object = property?.parent
    if (property === undefined || object === undefined) throw new Error('the root is not removed')
    const siblings = propertiesOf(object)
    const place = siblings.indexOf(property)
    const [before, after] = [siblings[place - 1], siblings[place + 1]]
    const ownComma = this.#commaIn(endOf(property), after?.offset ?? endOf(object))
    const end = ownComma === undefined ? endOf(property) : ownComma + 1
    const edits = [
      this.#cut(this.#withSpaceAround(property.offset, end, before !== undefined && ownComma === undefined)),
    ]
    const commaBefore = before === undefined ? undefined : this.#commaIn(endOf(before), property.offset)
    if (ownComma === undefined && commaBefore !== undefined) edits.push(this.#cut([commaBefore, commaBefore + 1]))
    return together(edits)
  }

  #insertRoot(value: unknown): readonly Edit[] {
    const comments = this.#text.trim() !== ''
    const end = comments ? this.#text.trimEnd().length : 0
    const rest = this.#text.slice(end)
    const final = rest.includes('\n') ? '' : this.#newline
    return [{ at: end, remove: '', insert: `${comments ? this.#newline : ''}${this.#printed(value, '')}${final}` }]
  }

  #insertFirst(object: Node, key: string, value: unknown): readonly Edit[] {
    const [start, end] = [object.offset + 1, endOf(object) - 1]
    const inner = this.#text.slice(start, end)
    const comments = inner.trimEnd().length
    if (this.#isMinified(object)) return [{ at: start + comments, remove: '', insert: this.#member(key, value, '') }]
    const indent = indentAt(this.#text, object.offset)
    const member = `${this.#newline}${indent}${this.#unit}${this.#member(key, value, indent + this.#unit)}`
    if (comments > 0) {
      const closing = inner.slice(comments).includes('\n') ? '' : `${this.#newline}${indent}`
      return [{ at: start + comments, remove: '', insert: member + closing }]
    }
    return [{ at: start, remove: inner, insert: `${member}${this.#newline}${indent}` }]
  }

  #insertInLine(object: Node, last: Node, key: string, value: unknown): readonly Edit[] {
    const comma = this.#commaIn(endOf(last), endOf(object))
    const gap = this.#isMinified(object) ? '' : ' '
    const member = this.#isMinified(object)
      ? this.#member(key, value, '')
      : `${JSON.stringify(key)}: ${this.#printed(value, undefined)}`
    return comma === undefined
      ? [{ at: endOf(last), remove: '', insert: `,${gap}${member}` }]
      : [{ at: comma + 1, remove: '', insert: `${gap}${member},` }]
  }

  #insertLine(object: Node, last: Node, key: string, value: unknown): readonly Edit[] {
    const comma = this.#commaIn(endOf(last), endOf(object))
    const indent = isFirstOnLine(this.#text, last.offset)
      ? indentAt(this.#text, last.offset)
      : indentAt(this.#text, object.offset) + this.#unit
    const member = `${this.#newline}${indent}${this.#member(key, value, indent)}${comma === undefined ? '' : ','}`
    const at = this.#afterCommentsOnLine(comma === undefined ? endOf(last) : comma + 1)
    return together([
      { at, remove: '', insert: member },
      ...(comma === undefined ? [{ at: endOf(last), remove: '', insert: ',' }] : []),
    ])
  }

  /** What is said of a property at the end of its line stays with it. */
  #afterCommentsOnLine(from: number): number {
    let at = from
    for (const { start, end } of this.#trivia.comments)
      if (start >= at && /^[ \t]*$/.test(this.#text.slice(at, start))) at = end
    return at
  }

  /** The first comma of the object itself between two places. */
  #commaIn(start: number, end: number): number | undefined {
    return this.#trivia.commas.find((each) => each >= start && each < end)
  }

  #cut([start, end]: readonly [number, number]): Edit {
    return { at: start, remove: this.#text.slice(start, end), insert: '' }
  }

  #withSpaceAround(start: number, end: number, isLastOfMany: boolean): readonly [number, number] {
    const text = this.#text
    const first = isFirstOnLine(text, start)
    if (first && /^[ \t\r]*(?:\n|$)/.test(text.slice(end))) return [lineStart(text, start), nextLine(text, end)]
    if (first || !isLastOfMany) return [start, end + (/^[ \t]*/.exec(text.slice(end))?.[0].length ?? 0)]
    return [start - (/[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0), end]
  }

  #isOneLine({ offset, length }: Node): boolean {
    return !this.#text.slice(offset, offset + length).includes('\n')
  }

  /** All of the text on one line, and not only for being empty. */
  #isMinified(object: Node): boolean {
    return !this.#text.trim().includes('\n') && (object !== this.#root || propertiesOf(object).length > 0)
  }

  #member(key: string, value: unknown, indent: string): string {
    return this.#root !== undefined && this.#isMinified(this.#root)
      ? `${JSON.stringify(key)}:${JSON.stringify(value)}`
      : `${JSON.stringify(key)}: ${this.#printed(value, indent)}`
  }

  /** @param indent of the line that it begins on; undefined for all on one line */
  #printed(value: unknown, indent: string | undefined): string {
    if (Array.isArray(value)) return `[${value.map((each) => this.#printed(each, undefined)).join(', ')}]`
    const members = membersOf(value)
    if (members.length === 0) return JSON.stringify(value)
    const inner = indent === undefined ? undefined : indent + this.#unit
    const lines = members.map(([key, each]) => `${JSON.stringify(key)}: ${this.#printed(each, inner)}`)
    if (inner === undefined) return `{ ${lines.join(', ')} }`
    const newline = this.#newline + inner
    return `{${newline}${lines.join(`,${newline}`)}${this.#newline}${indent}}`
  }
}

/** The properties of an object, each with its key and its value. */
export const propertiesOf = (object: Node): readonly Node[] => object.children ?? []

export const endOf = ({ offset, length }: Node): number => offset + length
