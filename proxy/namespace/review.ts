import { MAX_EXPOSED_NAME } from '../../domain/mcp/exposed-name.ts'
import { compileGlob } from '../../domain/mcp/glob.ts'
import type { Namespacing, ToolRules } from '../../domain/mcp/link.ts'
import { toolPolicy } from '../../domain/mcp/tool-rules.ts'
import { exposeNames, type Offered, serverIn, withServer } from './names.ts'

/** A project as far as the names of its tools follow from it. */
export interface ReviewedProject {
  readonly namespacing: Namespacing
  readonly servers: readonly { readonly name: string; readonly tools?: ToolRules | undefined }[]
}

/** A tool whose name is not what the namespacing alone makes of it. */
export interface NotedName {
  /** Undefined for one that is not offered. */
  readonly name: string | undefined
  readonly server: string
  readonly own: string
  readonly why: string
}

/** What becomes of the tools of a project's servers. */
export interface Review {
  /** How many tools of each server with a known list are offered. */
  readonly offered: ReadonlyMap<string, number>
  readonly names: readonly NotedName[]
  /** Rules that do nothing, and what they do that was hardly meant. */
  readonly warnings: readonly string[]
}

/** @param lists own names of the tools of those servers that have told them */
export const reviewTools = (project: ReviewedProject, lists: ReadonlyMap<string, readonly string[]>): Review => {
  const offered = project.servers.flatMap(({ name: server, tools }) =>
    [...new Set(lists.get(server))].flatMap((own): Offered[] => {
      const wanted = toolPolicy(tools).wanted(own)
      return wanted === undefined ? [] : [{ server, own, wanted }]
    }),
  )
  const servers = project.servers.map(({ name }) => name)
  const table = exposeNames(project.namespacing, offered, servers)
  const hiddenBy = new Map(table.hidden.map(({ server, own, by }) => [`${server}\u0000${own}`, by]))
  const names = offered.flatMap((one): NotedName[] => {
    const { server, own } = one
    const by = hiddenBy.get(`${server}\u0000${own}`)
    if (by !== undefined)
      return [
        { name: undefined, server, own, why: `hidden: ${by} has the name ${one.wanted}, too, and is attached before` },
      ]
    const name = table.nameOf(server, own) ?? ''
    const why = whys(project, one, name, offered)
    return why.length === 0 ? [] : [{ name, server, own, why: why.join('; ') }]
  })
  const known = project.servers.filter(({ name }) => lists.has(name))
  return {
    offered: new Map(known.map(({ name }) => [name, offered.filter(({ server }) => server === name).length])),
    names,
    warnings: known.flatMap(({ name, tools = {} }) => [
      ...idleRules(name, tools, lists.get(name) ?? []),
      ...sameNames(name, offered),
    ]),
  }
}

const whys = (
  { namespacing }: ReviewedProject,
  { server, own, wanted }: Offered,
  name: string,
  offered: readonly Offered[],
): readonly string[] => {
  const prefixed = withServer(server, wanted)
  const others = offered.filter((each) => each.wanted === wanted && each.server !== server).map((each) => each.server)
  const isPlain = name === wanted
  return [
    ...(own === wanted ? [] : ['renamed']),
    ...(namespacing === 'auto' && !isPlain && others.length > 0
      ? [`${[...new Set(others)].join(', ')} has it, too`]
      : []),
    ...(namespacing === 'auto' && name === prefixed && others.length === 0
      ? [`begins with the name of server ${serverIn(wanted) ?? server}`]
      : []),
    ...(isPlain || name === prefixed
      ? []
      : [changed(namespacing === 'always' || others.length > 0 ? prefixed : wanted)]),
  ]
}

const changed = (whole: string): string => {
  if (!/^[A-Za-z0-9_-]*$/.test(whole)) return 'has characters that not all models take'
  return whole.length > MAX_EXPOSED_NAME ? `is longer than ${MAX_EXPOSED_NAME} characters` : 'the name is taken'
}

const idleRules = (
  server: string,
  { allow = [], deny = [], rename = {}, describe = {} }: ToolRules,
  tools: readonly string[],
) => {
  const { wanted } = toolPolicy({ allow: [...(allow.length === 0 ? ['*'] : allow)], deny })
  const left = tools.filter((tool) => wanted(tool) !== undefined)
  const idle = (rule: string, globs: readonly string[], among: readonly string[], what: string) =>
    globs
      .filter((glob) => !among.some(compileGlob(glob)) && !among.includes(glob))
      .map((glob) => `server ${server}: ${rule} "${glob}" matches no tool${what}`)
  return [
    ...idle('allow', allow, tools, ''),
    ...idle('deny', deny, tools, ''),
    ...idle('rename', Object.keys(rename), left, ' that is offered'),
    ...idle('describe', Object.keys(describe), left, ' that is offered'),
  ]
}

const sameNames = (server: string, offered: readonly Offered[]): readonly string[] => {
  const tools = new Map<string, string[]>()
  for (const { server: of, own, wanted } of offered)
    if (of === server) tools.set(wanted, [...(tools.get(wanted) ?? []), own])
  return [...tools].flatMap(([wanted, owns]) =>
    owns.length < 2
      ? []
      : [
          `server ${server}: ${owns.slice(0, 3).join(', ')}${owns.length > 3 ? ', …' : ''} all get the name "${wanted}"; a hash tells them apart`,
        ],
  )
}
