import type { Logger } from '../../domain/kernel/logger.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import type { Topology, TopologyProject, TopologyServer } from '../../domain/mcp/topology.ts'
import type { ProjectSpec } from '../../domain/project/resource.ts'
import { isDedicated, type ServerSpec } from '../../domain/server/resource.ts'
import type { ReadSide } from '../../queries/read-side.ts'

type Listener = (project: TopologyProject | undefined) => void

/** One project that somebody is connected to: read once a change, however many sessions there are. */
interface Watched {
  readonly listeners: Set<Listener>
  readonly servers: Set<string>
  current: TopologyProject | undefined
  known: boolean
  reading: boolean
  again: boolean
}

const RETRY_MS = 1_000
const MAX_INSTANCES = 200

/** What the router knows of projects: rows of the read model, read again when one of them has changed. */
export const projectTopology = (readSide: ReadSide, logger: Logger): Topology & { close(): void } => {
  const projects = new Map<string, Watched>()
  let closed = false

  const read = async (name: string, watched: Watched): Promise<void> => {
    if (watched.reading) {
      watched.again = true
      return
    }
    watched.reading = true
    try {
      do {
        watched.again = false
        watched.current = await describeProject(readSide, name)
        watched.known = true
      } while (watched.again)
    } catch (error) {
      // The read model is away: what was known stays, and is read again soon.
      logger.warn({ project: name, err: error }, 'the project could not be read')
      setTimeout(() => !closed && projects.get(name) === watched && void read(name, watched), RETRY_MS).unref()
      return
    } finally {
      watched.reading = false
    }
    watched.servers.clear()
    for (const server of watched.current?.servers ?? []) watched.servers.add(server.name)
    for (const listener of [...watched.listeners]) listener(watched.current)
    if (watched.current === undefined) projects.delete(name)
  }

  const stop = readSide.changes((kind, names) => {
    for (const [name, watched] of projects) {
      const touches = (name: string): boolean => names === undefined || names.includes(name)
      const concerned =
        kind === 'project'
          ? touches(name)
          : kind === 'server'
            ? [...watched.servers].some(touches)
            : kind === 'instance'
      if (concerned) void read(name, watched)
    }
  })

  return {
    subscribe(project, listener) {
      const watched: Watched = projects.get(project) ?? {
        listeners: new Set(),
        servers: new Set(),
        current: undefined,
        known: false,
        reading: false,
        again: false,
      }
      projects.set(project, watched)
      watched.listeners.add(listener)
      if (watched.known) listener(watched.current)
      else void read(project, watched)
      return () => {
        watched.listeners.delete(listener)
        if (watched.listeners.size === 0 && projects.get(project) === watched) projects.delete(project)
      }
    },
    close() {
      closed = true
      stop()
      projects.clear()
    },
  }
}

const describeProject = async ({ queries }: ReadSide, name: string): Promise<TopologyProject | undefined> => {
  const { row } = await queries.get('project', name)
  if (row === undefined) return undefined
  const { instructions, namespacing, describeServers, servers } = row.spec as unknown as ProjectSpec
  return {
    name,
    namespacing,
    ...(describeServers === undefined ? {} : { describeServers }),
    ...(instructions === undefined ? {} : { instructions }),
    servers: await Promise.all(
      servers.map(async ({ name: server, tools }) => {
        const [page, { row }] = await Promise.all([
          queries.list({ kind: 'instance', limit: MAX_INSTANCES, fieldFilter: { server } }),
          queries.get('server', server),
        ])
        const rules = tools === undefined ? {} : { tools: definedOnly(tools) }
        return { name: server, ...rules, ...sessionsOf(row), ...reasonOf(page.items) }
      }),
    ),
  }
}

const sessionsOf = (server: ResourceRow | undefined): Pick<TopologyServer, 'sessions'> =>
  server !== undefined && isDedicated(server.spec as unknown as ServerSpec) ? { sessions: 'dedicated' } : {}

/** Why none of a server's instances runs; nothing if one does. */
const reasonOf = (instances: readonly ResourceRow[]): Pick<TopologyServer, 'reason'> => {
  if (instances.some(({ status }) => status.phase === 'running')) return {}
  const failed = instances.find(({ status }) => typeof status.error === 'string')
  if (failed !== undefined) return { reason: `it does not start: ${failed.status.error}` }
  return { reason: instances.length === 0 ? 'no copy of it is wanted (replicas: 0)' : 'it is starting' }
}

/** Drops members that are undefined: the link's types have no such. */
const definedOnly = (
  tools: NonNullable<ProjectSpec['servers'][number]['tools']>,
): NonNullable<TopologyServer['tools']> =>
  Object.fromEntries(Object.entries(tools).filter(([, value]) => value !== undefined))
