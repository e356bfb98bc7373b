import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { McpConnection } from './connect.ts'
import { McpFailure } from './failure.ts'

/** What MCP lists: how it is asked for, where the answer has it, what names an item, which capability offers it. */
export const mcpLists = {
  tool: { method: 'tools/list', member: 'tools', key: 'name', capability: 'tools' },
  prompt: { method: 'prompts/list', member: 'prompts', key: 'name', capability: 'prompts' },
  resource: { method: 'resources/list', member: 'resources', key: 'uri', capability: 'resources' },
  resourcetemplate: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
    capability: 'resources',
  },
} as const
export type McpListed = keyof typeof mcpLists

/** Most pages of one list that are asked for. */
const MAX_PAGES = 100

/** A server that is not in a list, and why. */
export interface LeftOut {
  readonly server: string
  readonly reason: string
}

/** What is offered, and what mcplocal says of servers whose part is missing. */
export interface Listing {
  readonly items: readonly JsonObject[]
  readonly leftOut: readonly LeftOut[]
}

/** A list, all pages of it; empty where the server does not offer it. @throws McpFailure `malformed` where an item has no name */
export const listAll = async (
  connection: Pick<McpConnection, 'client' | 'request'>,
  listed: McpListed,
): Promise<readonly JsonObject[]> => (await listing(connection, listed)).items

/** `listAll`, with the servers that are left out of it. */
export const listing = async (
  { client, request }: Pick<McpConnection, 'client' | 'request'>,
  listed: McpListed,
): Promise<Listing> => {
  const { method, member, key, capability } = mcpLists[listed]
  if (client.getServerCapabilities()?.[capability] === undefined) return { items: [], leftOut: [] }
  const found: JsonObject[] = []
  const leftOut: LeftOut[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await request(method, typeof cursor === 'string' ? { cursor } : undefined)
    const items = result[member]
    if (!Array.isArray(items)) throw malformed(`${method}: its answer has no ${member}`)
    for (const item of items) {
      if (!isObject(item) || typeof item[key] !== 'string') throw malformed(`${method}: an item has no ${key}`)
      found.push(item)
    }
    leftOut.push(...leftOutIn(result))
    cursor = result.nextCursor
    if (typeof cursor !== 'string') break
  }
  return { items: found, leftOut }
}

/** What mcplocal notes in a list's `_meta`. */
const leftOutIn = ({ _meta }: JsonObject): readonly LeftOut[] => {
  const noted = isObject(_meta) ? _meta['mcpctl/unavailable'] : undefined
  return (Array.isArray(noted) ? noted : []).flatMap((each) =>
    isObject(each) && typeof each.server === 'string' && typeof each.reason === 'string'
      ? [{ server: each.server, reason: each.reason }]
      : [],
  )
}

const malformed = (message: string): McpFailure => new McpFailure('malformed', message, { speaksMcp: true })
