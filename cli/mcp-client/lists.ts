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

/** A list, all pages of it; empty where the server does not offer it. @throws McpFailure `malformed` where an item has no name */
export const listAll = async (
  { client, request }: Pick<McpConnection, 'client' | 'request'>,
  listed: McpListed,
): Promise<readonly JsonObject[]> => {
  const { method, member, key, capability } = mcpLists[listed]
  if (client.getServerCapabilities()?.[capability] === undefined) return []
  const found: JsonObject[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await request(method, typeof cursor === 'string' ? { cursor } : undefined)
    const items = result[member]
    if (!Array.isArray(items)) throw malformed(`${method}: its answer has no ${member}`)
    for (const item of items) {
      if (!isObject(item) || typeof item[key] !== 'string') throw malformed(`${method}: an item has no ${key}`)
      found.push(item)
    }
    cursor = result.nextCursor
    if (typeof cursor !== 'string') break
  }
  return found
}

const malformed = (message: string): McpFailure => new McpFailure('malformed', message, { speaksMcp: true })
