import { isObject, type JsonObject, jsonText, nestsDeeperThan } from '../../domain/kernel/json.ts'
import type { RpcResponse } from '../../domain/mcp/rpc.ts'
import { AskerGone, type Listed, type ListKind, listKinds } from './lists.ts'

/** Most pages and items that are taken of one server's list. */
const MAX_LIST_PAGES = 100
const MAX_LIST_ITEMS = 10_000
/** Most characters of JSON that one server's list may have, and deepest nesting: it is kept, and written with those of others. */
const MAX_LIST_CHARACTERS = 16 * 1024 * 1024
const MAX_DEPTH = 200

/** Asks one server for its whole list. */
export type FetchList = (server: string, kind: ListKind) => Promise<Listed>

/** Asks a server for something, on our own account; answers as it does. */
export type AskServer = (
  server: string,
  method: string,
  params: JsonObject | undefined,
  ms: number,
) => Promise<RpcResponse>

/**
 * Follows a server's cursors to the end, within `deadlineMs` for all pages.
 * @throws AskerGone if `isUp` says that nobody could answer; Error with the server's reason, or for a list without end
 */
export const fetchList =
  (ask: AskServer, isUp: () => boolean, deadlineMs: number): FetchList =>
  async (server, kind) => {
    const { method, field } = listKinds[kind]
    const until = performance.now() + deadlineMs
    const items: JsonObject[] = []
    let rest: JsonObject = {}
    let cursor: string | undefined
    let characters = 0
    for (let page = 1; page <= MAX_LIST_PAGES; page++) {
      const left = Math.max(1, Math.ceil(until - performance.now()))
      const { result, error } = await ask(server, method, cursor === undefined ? undefined : { cursor }, left)
      if (error !== undefined && !isUp()) throw new AskerGone(error.message)
      if (error !== undefined) throw new Error(error.message)
      characters += sizeOf(result, method)
      if (characters > MAX_LIST_CHARACTERS)
        throw new Error(`its list of ${field} is larger than ${MAX_LIST_CHARACTERS / 2 ** 20} MiB`)
      const { [field]: listed, nextCursor, ...others } = result ?? {}
      if (!Array.isArray(listed)) throw new Error(`its answer to ${method} has no array "${field}"`)
      if (page === 1) rest = others
      for (const item of listed) if (isObject(item)) items.push(item)
      if (items.length > MAX_LIST_ITEMS) throw new Error(`it lists more than ${MAX_LIST_ITEMS} ${field}`)
      if (typeof nextCursor !== 'string') return { items, rest }
      cursor = nextCursor
    }
    throw new Error(`its answer to ${method} has more than ${MAX_LIST_PAGES} pages`)
  }

const sizeOf = (result: JsonObject | undefined, method: string): number => {
  const text = jsonText(result ?? {})
  if (text === undefined || nestsDeeperThan(text, MAX_DEPTH))
    throw new Error(`its answer to ${method} is nested deeper than ${MAX_DEPTH}`)
  return text.length
}
