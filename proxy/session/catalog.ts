import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { SERVER_SEPARATOR } from '../../domain/mcp/exposed-name.ts'
import { describedWithServer } from '../namespace/descriptions.ts'
import { GivenNames } from '../namespace/given-names.ts'
import { exposeNames, type NameTable, type Offered, type Owner, serverIn } from '../namespace/names.ts'
import { exposeUris, ownerOfUri, prefixedUri, type UriTable } from '../namespace/uris.ts'
import type { ListLoader } from './list-loader.ts'
import { type ListKind, listKinds } from './lists.ts'
import type { ProjectView } from './project-view.ts'
import type { SessionState } from './session-state.ts'

/** Of a list's `_meta`: the servers that are not in it, and why. */
const LEFT_OUT = 'mcpctl/unavailable'

/** What one session knows of its project's tools, prompts, resources and templates: the lists, and whose each name is. */
export class Catalog {
  readonly #state: SessionState
  readonly #loader: ListLoader
  readonly #view: () => ProjectView
  readonly #logger: Logger
  readonly #given: Readonly<Record<ListKind, GivenNames>> = {
    tools: new GivenNames(),
    prompts: new GivenNames(),
    resources: new GivenNames(),
    templates: new GivenNames(),
  }

  constructor(state: SessionState, loader: ListLoader, view: () => ProjectView, logger: Logger) {
    this.#state = state
    this.#loader = loader
    this.#view = view
    this.#logger = logger
  }

  /**
   * The joined list of a kind under the names that clients see. A server that fails, or takes longer than it is waited for, is left out; the
   * list's `_meta` says so.
   * @throws AskerGone when the session or its link ended meanwhile
   */
  async list(kind: ListKind): Promise<JsonObject> {
    const { field, key } = listKinds[kind]
    const lists = await this.#loader.all(kind)
    const { owners, nameOf } = this.#table(kind)
    const items = lists.flatMap(({ server, listed }) =>
      listed.items.flatMap((item) => {
        const own = item[key]
        const name = typeof own === 'string' ? nameOf(server.name, own) : undefined
        return name === undefined ? [] : [this.#shown(kind, item, server.name, name)]
      }),
    )
    this.#given[kind].list(owners)
    const rest = this.#view().alone === undefined ? {} : lists[0]?.listed.rest
    return { ...this.#withNote(kind, rest), [field]: items }
  }

  /**
   * Whose tool or prompt a name is; asks the servers for their lists only if the name is not known yet. Undefined also for a name that has
   * come to be another's since the client was given it.
   */
  async findName(kind: 'tools' | 'prompts', name: string): Promise<Owner | undefined> {
    const known = this.knownName(kind, name)
    if (known !== undefined || this.#given[kind].get(name) !== undefined) return known
    const { project, able } = this.#view()
    const server = project.namespacing === 'always' ? serverIn(name) : undefined
    if (server === undefined) await this.#loader.all(kind)
    else if (able(listKinds[kind].capability).some((each) => each.name === server)) await this.#loader.one(server, kind)
    return this.knownName(kind, name) ?? this.#ofUnknownList(kind, name)
  }

  /** `findName` by what is known at this moment. */
  knownName(kind: 'tools' | 'prompts', name: string): Owner | undefined {
    const given = this.#given[kind].get(name)
    if (given !== undefined) return this.#isOffered(kind, given) ? given : undefined
    const { owners, aliases } = this.names(kind)
    const owner = owners.get(name) ?? aliases.get(name) ?? this.#ofOnlyServer(kind, name)
    if (owner !== undefined) this.#given[kind].use(name, owner)
    return owner
  }

  /** Whose a URI is, as far as lists, templates and prefixes tell. */
  async findUri(uri: string): Promise<Owner | undefined> {
    const { alone, server } = this.#view()
    if (alone !== undefined) return { server: alone.name, own: uri }
    const given = this.#given.resources.get(uri)
    if (given !== undefined && server(given.server) !== undefined) return given
    const known = this.uris('resources').owners.get(uri)
    if (known !== undefined) return known
    await Promise.all([this.#loader.all('resources'), this.#loader.all('templates')])
    const servers = this.#view().project.servers.map(({ name }) => name)
    return ownerOfUri(uri, this.uris('resources'), this.uris('templates'), servers)
  }

  /** Whose a template is, by the exact text that clients see. */
  async findTemplate(template: string): Promise<Owner | undefined> {
    const given = this.#given.templates.get(template)
    if (given !== undefined && this.#view().server(given.server) !== undefined) return given
    const known = this.uris('templates').owners.get(template)
    if (known !== undefined) return known
    return this.findUri(template)
  }

  /** What clients call a server's resource, listed or not. */
  exposedUri(server: string, own: string): string {
    const resources = this.uris('resources')
    const listed = resources.uriOf(server, own)
    if (listed !== undefined) return listed
    const other = resources.owners.get(own)
    return other === undefined || other.server === server ? own : prefixedUri(server, own)
  }

  /** The names of all tools or prompts that are known, those of servers that are away included. */
  names(kind: 'tools' | 'prompts'): NameTable {
    const { project, namingSignature, tools } = this.#view()
    return this.#state.derived(kind, namingSignature, () => {
      const offered: Offered[] = []
      for (const { server, own } of this.#known(kind)) {
        const wanted = kind === 'tools' ? tools(server).wanted(own) : own
        if (wanted !== undefined) offered.push({ server, own, wanted })
      }
      const servers = project.servers.map(({ name }) => name)
      const table = exposeNames(project.namespacing, offered, servers)
      if (table.hidden.length > 0)
        this.#logger.warn(
          { project: project.name, kind, hidden: table.hidden.slice(0, 20) },
          'names collide: some are not offered',
        )
      return table
    })
  }

  uris(kind: 'resources' | 'templates'): UriTable {
    return this.#state.derived(kind, this.#view().namingSignature, () => exposeUris(this.#known(kind)))
  }

  close(): void {
    this.#loader.close()
  }

  #table(kind: ListKind): Pick<NameTable, 'owners' | 'nameOf'> {
    if (kind === 'tools' || kind === 'prompts') return this.names(kind)
    const { owners, uriOf } = this.uris(kind)
    return { owners, nameOf: uriOf }
  }

  /** An item under its name in the project. Nothing else of it changes, but what the project says of it. */
  #shown(kind: ListKind, item: JsonObject, server: string, name: string): JsonObject {
    const { key } = listKinds[kind]
    const own = item[key]
    const renamed = name === own ? item : { ...item, [key]: name }
    if (kind === 'resources' || kind === 'templates' || typeof own !== 'string') return renamed
    const { project, tools } = this.#view()
    const theirs = typeof item.description === 'string' ? item.description : undefined
    const told = (kind === 'tools' ? tools(server).description(own) : undefined) ?? theirs
    const description = describedWithServer(project, server, name, told)
    return description === theirs || description === undefined ? renamed : { ...renamed, description }
  }

  #withNote(kind: ListKind, rest: JsonObject | undefined): JsonObject {
    const leftOut = this.#loader.leftOut(kind)
    if (leftOut.length === 0) return rest ?? {}
    const meta = rest?._meta
    return {
      ...rest,
      _meta: { ...(typeof meta === 'object' ? meta : {}), [LEFT_OUT]: leftOut.map((each) => ({ ...each })) },
    }
  }

  #known(kind: ListKind): Owner[] {
    const { key } = listKinds[kind]
    return this.#view().project.servers.flatMap(({ name: server }) =>
      (this.#state.last(server, kind)?.items ?? []).flatMap((item) => {
        const own = item[key]
        return typeof own === 'string' ? [{ server, own }] : []
      }),
    )
  }

  /** Whether what a name meant once may still be reached. Whether it is still there, its server knows best. */
  #isOffered(kind: 'tools' | 'prompts', { server, own }: Owner): boolean {
    const view = this.#view()
    return view.server(server) !== undefined && (kind === 'prompts' || view.tools(server).wanted(own) !== undefined)
  }

  /** Nothing stands between the client and its only server: that one knows best what it has. */
  #ofOnlyServer(kind: 'tools' | 'prompts', name: string): Owner | undefined {
    const { alone, project } = this.#view()
    return alone !== undefined && project.namespacing !== 'always' && (kind === 'prompts' || alone.tools === undefined)
      ? { server: alone.name, own: name }
      : undefined
  }

  /** `<server>__<name>` of a server whose list is not known: it answers for itself. */
  #ofUnknownList(kind: 'tools' | 'prompts', name: string): Owner | undefined {
    const { project, server: attached, tools } = this.#view()
    const server = serverIn(name)
    if (server === undefined || attached(server) === undefined || project.namespacing === 'never') return undefined
    if (this.#state.last(server, kind) !== undefined) return undefined
    const own = name.slice(server.length + SERVER_SEPARATOR.length)
    if (kind === 'tools' && tools(server).wanted(own) !== own) return undefined
    this.#given[kind].use(name, { server, own })
    return { server, own }
  }
}
