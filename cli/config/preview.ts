import { isDeepStrictEqual } from 'node:util'
import { type Path, type Span, valueAt } from './document/document.ts'
import { type Format, openDocument } from './document/open.ts'
import { recognise } from './recognise.ts'

/** Lines around a change. */
const CONTEXT = 1
const HIDDEN = '…'
/** Longest line that is shown whole: a file on one line would be shown in full for one entry. */
const MAX_LINE = 200
/** What is shown of a longer one, to either side of the change. */
const BESIDE = 40
const MAX_SHOWN = 2000

/** Fields of our own entry that never hold a secret. */
const PLAIN_FIELDS = [
  'type',
  'command',
  'args',
  'url',
  'httpUrl',
  'serverUrl',
  'enabled',
  'oauth',
  'env_vars',
  'bearer_token_env_var',
]

/** One state of a client's file; `text` is undefined where there is none. */
export interface State {
  readonly file: string
  readonly format: Format
  readonly text: string | undefined
  /** The entry that the change is about. */
  readonly entry: Path
}

/**
 * A change as a unified diff. Values and comments of everything but the entry are hidden, and those of the entry, too, where it is
 * not one that leads to a project: other entries hold API keys, in `env`, in headers, in arguments.
 */
export const preview = async (before: State, after: State, written: unknown): Promise<string> => {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff')
  const [from, to] = [hidden(before, written), hidden(after, written)]
  const names = [
    before.text === undefined ? '/dev/null' : before.file,
    after.text === undefined ? '/dev/null' : after.file,
  ] as const
  const note = from === to ? '# values change; they are not shown\n' : ''
  const options = { headerOptions: FILE_HEADERS_ONLY, context: CONTEXT }
  return note + shortened(createTwoFilesPatch(...names, from, to, undefined, undefined, options))
}

/** A patch without what long lines have in common with the ones that they replace. */
const shortened = (patch: string): string => {
  const lines = patch.split('\n')
  const partner = (at: number, step: 1 | -1): string => {
    const next = lines[at + step] ?? ''
    return next.startsWith('\\') ? (lines[at + 2 * step] ?? '') : next // "No newline at end of file"
  }
  return lines
    .map((line, i) => {
      if (line.length <= MAX_LINE || /^(?:---|\+\+\+) /.test(line)) return line
      const other = line.startsWith('-') ? partner(i, 1) : line.startsWith('+') ? partner(i, -1) : line
      return line.slice(0, 1) + changedPart(line.slice(1), other.slice(1))
    })
    .join('\n')
}

/** What a line does not share with another, and a little on both sides. */
const changedPart = (line: string, other: string): string => {
  const start = Math.max(0, commonStart(line, other) - BESIDE)
  const same = commonStart(backwards(line.slice(start)), backwards(other.slice(start)))
  const end = Math.min(line.length, Math.max(line.length - same, start) + BESIDE, start + MAX_SHOWN)
  return (start > 0 ? HIDDEN : '') + line.slice(start, end) + (end < line.length ? HIDDEN : '')
}

const backwards = (text: string): string => [...text].reverse().join('')

const commonStart = (a: string, b: string): number => {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

/** @param written what mcpctl writes, which is nothing secret */
const hidden = ({ file, format, text, entry }: State, written: unknown): string => {
  if (text === undefined) return ''
  const document = openDocument(format, text, file)
  const present = valueAt(document.root, entry)
  const isOurs = recognise(present) !== undefined
  const shows = ({ path }: Span): boolean => {
    if (path === undefined || !isDeepStrictEqual(path.slice(0, entry.length), entry)) return false
    const inside = path.slice(entry.length).map(String)
    const value = valueAt(present, inside)
    if (inside.length > 0 && value !== undefined && value === valueAt(written, inside)) return true
    return isOurs && PLAIN_FIELDS.includes(inside[0] ?? '') && !String(value).includes('@')
  }
  let shown = ''
  let at = 0
  for (const span of [...document.spans()].sort((a, b) => a.start - b.start)) {
    if (shows(span)) continue
    shown += text.slice(at, span.start) + text.slice(span.start, span.end).replace(/[^\r\n]+/g, HIDDEN)
    at = span.end
  }
  return shown + text.slice(at)
}
