import { isDeepStrictEqual } from 'node:util'
import { type Path, type Span, valueAt } from './document/document.ts'
import { type Format, openDocument } from './document/open.ts'
import { recognise } from './recognise.ts'

/** Lines around a change. */
const CONTEXT = 1
const HIDDEN = '…'

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
  return note + createTwoFilesPatch(...names, from, to, undefined, undefined, options)
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
