import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { LinkClient, LinkedProject, LinkedServer } from '../../domain/mcp/link.ts'
import { instructionsOf } from './instructions.ts'

/** The protocol revisions we speak with clients, newest first. What mcpd speaks with a server is agreed on there. */
export const PROTOCOL_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number]

export const isProtocolVersion = (version: unknown): version is ProtocolVersion =>
  PROTOCOL_VERSIONS.some((known) => known === version)

/** The client's revision if we speak it, else our newest: the client then decides whether it goes on. */
export const negotiate = (wanted: string): ProtocolVersion =>
  isProtocolVersion(wanted) ? wanted : PROTOCOL_VERSIONS[0]

/** Who the client says it is, and what it can. */
export const clientOf = (params: JsonObject | undefined): LinkClient => ({
  capabilities: isObject(params?.capabilities) ? params.capabilities : {},
  clientInfo: isObject(params?.clientInfo) ? params.clientInfo : {},
})

/** What a ready server said it can. */
export const capabilitiesOf = (server: LinkedServer): JsonObject => {
  const capabilities = server.initialize?.capabilities
  return isObject(capabilities) ? capabilities : {}
}

/**
 * The result of `initialize`. A project with one server and names as they are is that server as far as its clients can tell: name, version,
 * icons, and what else it says of itself.
 */
export const initializeResult = (project: LinkedProject, version: ProtocolVersion, ownVersion: string): JsonObject => {
  const instructions = instructionsOf(project)
  const [only] = project.servers.length === 1 && project.namespacing === 'never' ? project.servers : []
  return {
    serverInfo: { name: `mcpctl/${project.name}`, version: ownVersion },
    ...only?.initialize,
    protocolVersion: version,
    capabilities: joinCapabilities(project),
    ...(instructions === '' ? {} : { instructions }),
  }
}

const LISTS = ['tools', 'resources', 'prompts'] as const

/**
 * What a client may ask for: what the ready servers have together. One server's own words stay as they are. Of several, capabilities that we
 * could not route (`tasks`, and those we do not know) are left out. A server that is not ready may bring any of the lists when it is: they are
 * promised then, as a client never asks for what was not.
 */
export const joinCapabilities = (project: LinkedProject): JsonObject => {
  const ready = project.servers.filter(({ state }) => state === 'ready').map(capabilitiesOf)
  const [only] = project.servers.length === 1 ? ready : []
  const joined = new Map<string, JsonObject>()
  for (const [name, value] of ready.flatMap((capabilities) => Object.entries(capabilities))) {
    if (!isObject(value) || (only === undefined && !ROUTABLE.has(name))) continue
    joined.set(name, { ...joined.get(name), ...value })
  }
  for (const list of LISTS)
    if (joined.has(list) || ready.length < Math.max(1, project.servers.length))
      joined.set(list, { ...joined.get(list), listChanged: true })
  return Object.fromEntries(joined)
}

const ROUTABLE = new Set<string>([...LISTS, 'logging', 'completions', 'experimental'])
