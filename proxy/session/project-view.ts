import type { LinkedProject, LinkedServer } from '../../domain/mcp/link.ts'
import { type ToolPolicy, toolPolicy } from '../../domain/mcp/tool-rules.ts'
import { capabilitiesOf } from './initialize.ts'
import type { ListKind } from './lists.ts'
import { listKinds } from './lists.ts'

/** A project as its last `project` frame said it, ready for look-ups. */
export interface ProjectView {
  readonly project: LinkedProject
  server(name: string): LinkedServer | undefined
  /** What the project makes of a server's tools. */
  tools(server: string): ToolPolicy
  /** The only server there is, if so: nothing needs telling apart then. */
  readonly alone: LinkedServer | undefined
  /** Ready servers that offer a capability, in the order in which they are attached. */
  able(capability: string): readonly LinkedServer[]
  /** Servers with which each client has a session of its own. */
  readonly dedicated: ReadonlySet<string>
  /** Changes with everything that names depend on, but for the lists. */
  readonly namingSignature: string
}

export const viewProject = (project: LinkedProject): ProjectView => {
  const servers = new Map(project.servers.map((server) => [server.name, server]))
  return {
    project,
    server: (name) => servers.get(name),
    tools: (server) => toolPolicy(servers.get(server)?.tools),
    alone: project.servers.length === 1 ? project.servers[0] : undefined,
    able: (capability) =>
      project.servers.filter((server) => server.state === 'ready' && capability in capabilitiesOf(server)),
    dedicated: new Set(project.servers.filter(({ sessions }) => sessions === 'dedicated').map(({ name }) => name)),
    namingSignature: JSON.stringify([
      project.namespacing,
      project.describeServers ?? null,
      project.servers.map(({ name, tools }) => [name, tools ?? null]),
    ]),
  }
}

/** The servers that are not what they were: other lists are to be expected of them. */
export const changedServers = (before: LinkedProject, after: LinkedProject): string[] => {
  const told = new Map(before.servers.map((server) => [server.name, server]))
  return after.servers.filter((server) => isOther(told.get(server.name), server)).map(({ name }) => name)
}

const isOther = (before: LinkedServer | undefined, after: LinkedServer): boolean =>
  before === undefined ||
  before.state !== after.state ||
  before.sessions !== after.sessions ||
  (before.initialize !== after.initialize && JSON.stringify(before.initialize) !== JSON.stringify(after.initialize))

export const allKinds = Object.keys(listKinds) as readonly ListKind[]
