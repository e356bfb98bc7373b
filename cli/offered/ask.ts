import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import { SERVER_SEPARATOR } from '../../domain/mcp/exposed-name.ts'
import type { ProjectSpec } from '../../domain/project/resource.ts'
import type { Deps } from '../deps.ts'
import { CliError, usageError } from '../errors.ts'
import { listing } from '../mcp-client/lists.ts'
import { withProject } from '../mcp-client/project.ts'
import { didYouMean } from '../suggest.ts'
import { noteLeftOut } from '../tools.ts'
import { asResource, type OfferedKind, type OfferedTarget } from './kinds.ts'

/** What was asked for of one kind. */
export interface Offered {
  readonly kind: OfferedKind
  readonly items: readonly Resource[]
}

/**
 * Asks mcplocal for what a project offers, as an agent sees it. Servers whose part is missing are said on standard error.
 * @throws CliError `usage` without a project; `not-found` with the nearest name; as `withProject`
 */
export const askOffered = async (
  deps: Deps,
  project: string | undefined,
  targets: readonly OfferedTarget[],
): Promise<readonly Offered[]> => {
  if (project === undefined)
    throw usageError(
      `${targets[0]?.kind.plural} of which project?`,
      `Example: mcpctl get ${targets[0]?.kind.plural} -p demo`,
    )
  const [found, spec] = await Promise.all([
    withProject(deps, project, async (connection) => {
      const listings = []
      for (const { kind, names } of targets) listings.push({ kind, names, ...(await listing(connection, kind.kind)) })
      return listings
    }),
    specOf(deps, project),
  ])
  const leftOut = found.flatMap((each) => each.leftOut)
  noteLeftOut(deps.out, leftOut)
  const offered = found.map(({ kind, names, items }) => {
    const resources = items.map((item) => asResource(kind, item, ownerOf(kind, item, spec)))
    return { kind, items: names.length === 0 ? resources : names.map((name) => named(project, kind, resources, name)) }
  })
  if (offered.every(({ items }) => items.length === 0) && leftOut.length === 0 && spec?.servers?.length === 0)
    deps.out.note(`project/${project} has no servers; "mcpctl edit project/${project}" attaches some`)
  return offered
}

type KnownSpec = Partial<Pick<ProjectSpec, 'servers' | 'namespacing' | 'describeServers'>>

/** The project as mcpd has it, for whose each name is; who may not see that is not told. */
const specOf = async (deps: Deps, name: string): Promise<KnownSpec | undefined> => {
  try {
    const found = await deps.api.find({ kind: 'project', plural: 'projects' }, name)
    return found?.spec as KnownSpec | undefined
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
}

/**
 * Whose a tool, prompt or resource is, where its name or what mcplocal has put before its description says so for sure; lists of MCP have no
 * member for it.
 */
const ownerOf = ({ kind }: OfferedKind, item: JsonObject, spec: KnownSpec | undefined): string | undefined => {
  const servers = spec?.servers?.map(({ name }) => name) ?? []
  if (servers.length <= 1) return servers[0]
  if (kind === 'resource' || kind === 'resourcetemplate') return undefined
  const [prefix = '', ...rest] = String(item.name).split(SERVER_SEPARATOR)
  const hasPrefix = rest.length > 0 && servers.includes(prefix)
  // Names as they are may begin like this by chance.
  if (hasPrefix) return spec?.namespacing === 'never' ? undefined : prefix
  const told = spec?.describeServers === 'never' ? undefined : /^\[([^\]]+)\]/.exec(String(item.description))?.[1]
  return servers.find((server) => server === told)
}

const named = (project: string, { kind, plural }: OfferedKind, items: readonly Resource[], name: string): Resource => {
  const found = items.find(({ metadata }) => metadata.name === name)
  if (found !== undefined) return found
  const names = items.map(({ metadata }) => metadata.name)
  throw new CliError('not-found', `project/${project} offers no ${kind} "${name}"`, {
    hint: didYouMean(name, names, `"mcpctl get ${plural} -p ${project}" lists them`),
  })
}
