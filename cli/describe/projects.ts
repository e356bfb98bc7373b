import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import type { ProjectSpec } from '../../domain/project/resource.ts'
import { type Review, reviewTools } from '../../proxy/namespace/review.ts'
import type { Deps } from '../deps.ts'
import { CliError, isCode } from '../errors.ts'
import { runningCopy, toolsOf } from '../examine.ts'
import { outline } from '../output/outline.ts'
import { findKind } from '../targets.ts'
import { columnsOf, indented } from './parts.ts'

/** How long a server may take to list its tools. */
const LIST_SECONDS = 5
/** Longest reason in a cell, in characters; the whole one is in `describe server`. */
const MAX_REASON = 120

/** An attached server, as far as this user may know. */
interface Attached {
  readonly name: string
  readonly state: string
  readonly health: string
  /** Own names of its tools; undefined if it did not tell. */
  readonly tools?: readonly string[]
  readonly reason?: string
}

/** A project: its spec, how its servers do, and what becomes of the names of their tools. */
export const projectParts = async (deps: Deps, project: Resource): Promise<readonly string[]> => {
  const spec = project.spec as unknown as ProjectSpec
  const servers = await Promise.all(spec.servers.map(({ name }) => attachedServer(deps, name)))
  const lists = new Map(servers.flatMap(({ name, tools }) => (tools === undefined ? [] : [[name, tools] as const])))
  const { namespacing, servers: attached } = spec
  const review = reviewTools(
    { namespacing, servers: attached.map(({ name, tools }) => ({ name, tools: rulesOf(tools) })) },
    lists,
  )
  return [
    ...outline({ Spec: project.spec }),
    ...indented('Servers', [
      ['NAME', 'STATUS', 'HEALTH', 'TOOLS', 'REASON'],
      ...servers.map((each) => [each.name, each.state, each.health, toolCount(each, review), each.reason ?? '-']),
    ]),
    ...indented('Names', [
      ['NAME', 'SERVER', 'TOOL', 'WHY'],
      ...review.names.map(({ name = '', server, own, why }) => [name, server, own, why]),
    ]),
    ...outline({ Warnings: review.warnings }),
  ]
}

const toolCount = ({ name, tools }: Attached, { offered }: Review): string =>
  tools === undefined ? '-' : `${offered.get(name) ?? 0}/${tools.length}`

const attachedServer = async (deps: Deps, name: string): Promise<Attached> => {
  const registry = await deps.registry()
  const kind = findKind(registry, 'server')
  try {
    const server = await deps.api.find(kind, name)
    if (server === undefined) return { name, state: 'Gone', health: '-', reason: 'there is no such server' }
    const { items } = await deps.api.list(findKind(registry, 'instance'), { server: name })
    return { ...statusOf(deps, kind, server), name, ...(await listed(deps, name, items)) }
  } catch (error) {
    if (!isCode(error, 'forbidden')) throw error
    return { name, state: '-', health: '-', reason: 'you may not look at it' }
  }
}

const statusOf = (deps: Deps, kind: KindDefinition, server: Resource) => {
  const { status = '-', health = '-' } = columnsOf(kind, server, deps.now(), ['STATUS', 'HEALTH'])
  return { state: status, health }
}

/** Its tools, or why they are not known. */
const listed = async (
  { api }: Deps,
  server: string,
  copies: readonly Resource[],
): Promise<Pick<Attached, 'tools' | 'reason'>> => {
  const copy = runningCopy(copies)
  if (copy === undefined) {
    const error = copies.map(({ status }) => status?.error).find((each) => typeof each === 'string')
    return { reason: short(error ?? 'no copy of it runs') }
  }
  try {
    const tools = await toolsOf(api, server, copy.metadata.name, LIST_SECONDS)
    return { tools: tools.map(({ name }) => name) }
  } catch (error) {
    if (error instanceof CliError && (error.code === 'mcp-error' || error.code === 'forbidden'))
      return { reason: short(error.message) }
    throw error
  }
}

const short = (reason: string): string => {
  const line = reason.trim().replaceAll(/\s*\n\s*/g, ' ')
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON)}…` : line
}

/** The members that are there: the schema's are optional in another way. */
const rulesOf = (tools: ProjectSpec['servers'][number]['tools']) =>
  tools && Object.fromEntries(Object.entries(tools).filter(([, value]) => value !== undefined))
