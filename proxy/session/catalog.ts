import { messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { SERVER_SEPARATOR } from '../../domain/mcp/exposed-name.ts'
import type { LinkedServer } from '../../domain/mcp/link.ts'
import { exposeNames, type NameTable, type Offered, type Owner } from '../namespace/names.ts'
import { exposeUris, ownerOfUri, prefixedUri, type UriTable } from '../namespace/uris.ts'
import type { FetchList } from './fetch-list.ts'
import { AskerGone, type Listed, type ListKind, listKinds, type ProjectLists } from './lists.ts'
import type { ProjectView } from './project-view.ts'

/** What one session knows of its project's tools, prompts, resources and templates: the lists, and whose each name is. */
export class Catalog {
  readonly #lists: ProjectLists
  readonly #fetch: FetchList
  readonly #view: () => ProjectView
  readonly #logger: Logger

  constructor(lists: ProjectLists, fetch: FetchList, view: () => ProjectView, logger: Logger) {
    this.#lists = lists
    this.#fetch = fetch
    this.#view = view
    this.#logger = logger
  }

  /**
   * The joined list of a kind under the names that clients see. A server that fails, or takes longer than its deadline, is left out with a note in the log.
   * @throws AskerGone when the session or its link ended meanwhile
   */
  async list(kind: ListKind): Promise<JsonObject> {
    const { field, key } = listKinds[kind]
    const lists = await this.load(kind)
    const naming = this.#naming(kind)
    const items = lists.flatMap(({ server, listed }) =>
      listed.items.flatMap((item) => {
        const own = item[key]
        const name = typeof own === 'string' ? naming(server.name, own) : undefined
        return name === undefined ? [] : [name === own ? item : { ...item, [key]: name }]
      }),
    )
    const rest = this.#view().alone === undefined ? {} : lists[0]?.listed.rest
    return { ...rest, [field]: items }
  }

  /** The lists of all servers that offer the kind and answer in time. */
  async load(kind: ListKind): Promise<{ server: LinkedServer; listed: Listed }[]> {
    const asked = this.#view().able(listKinds[kind].capability)
    const lists = await Promise.all(asked.map(async (server) => ({ server, listed: await this.#load(server, kind) })))
    return lists.flatMap(({ server, listed }) => (listed === undefined ? [] : [{ server, listed }]))
  }

  /** Whose tool or prompt a name is; asks the servers for their lists only if the name is not known yet. */
  async findName(kind: 'tools' | 'prompts', name: string): Promise<Owner | undefined> {
    const known = this.knownName(kind, name)
    if (known !== undefined) return known
    await this.load(kind)
    return this.knownName(kind, name) ?? this.#byPrefix(kind, name)
  }

  /** `findName` by what is known at this moment. */
  knownName(kind: 'tools' | 'prompts', name: string): Owner | undefined {
    const owner = this.names(kind).owners.get(name)
    if (owner !== undefined) return owner
    const { alone, project } = this.#view()
    // Nothing stands between the client and its only server: that one knows best what it has.
    return alone !== undefined && project.namespacing !== 'always' && (kind === 'prompts' || alone.tools === undefined)
      ? { server: alone.name, own: name }
      : undefined
  }

  /** Whose a URI is, as far as lists, templates and prefixes tell. */
  async findUri(uri: string): Promise<Owner | undefined> {
    const { alone } = this.#view()
    if (alone !== undefined) return { server: alone.name, own: uri }
    const known = this.uris('resources').owners.get(uri)
    if (known !== undefined) return known
    await Promise.all([this.load('resources'), this.load('templates')])
    const servers = this.#view().project.servers.map(({ name }) => name)
    return ownerOfUri(uri, this.uris('resources'), this.uris('templates'), servers)
  }

  /** Whose a template is, by the exact text that clients see. */
  async findTemplate(template: string): Promise<Owner | undefined> {
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
    const { project, namingSignature, tools, alone } = this.#view()
    return this.#lists.derived(kind, namingSignature, () => {
      const offered: Offered[] = []
      for (const { server, own } of this.#known(kind)) {
        const wanted = kind === 'tools' ? tools(server).wanted(own) : own
        if (wanted !== undefined) offered.push({ server, own, wanted })
      }
      const table = exposeNames(project.namespacing, offered, alone !== undefined)
      if (table.hidden.length > 0)
        this.#logger.warn(
          { project: project.name, kind, hidden: table.hidden.slice(0, 20) },
          'names collide: some are not offered',
        )
      return table
    })
  }

  uris(kind: 'resources' | 'templates'): UriTable {
    return this.#lists.derived(kind, this.#view().namingSignature, () => exposeUris(this.#known(kind)))
  }

  #naming(kind: ListKind): (server: string, own: string) => string | undefined {
    if (kind === 'tools' || kind === 'prompts') return this.names(kind).nameOf
    return this.uris(kind).uriOf
  }

  #known(kind: ListKind): Owner[] {
    const { key } = listKinds[kind]
    return this.#view().project.servers.flatMap(({ name: server }) =>
      (this.#lists.last(server, kind)?.items ?? []).flatMap((item) => {
        const own = item[key]
        return typeof own === 'string' ? [{ server, own }] : []
      }),
    )
  }

  async #load(server: LinkedServer, kind: ListKind): Promise<Listed | undefined> {
    return this.#lists.get(server.name, kind, async () => {
      try {
        return await this.#fetch(server.name, kind)
      } catch (error) {
        if (!(error instanceof AskerGone))
          this.#logger.warn(
            {
              project: this.#view().project.name,
              server: server.name,
              kind,
              reason: messageOf(error),
            },
            'server left out of a list',
          )
        throw error
      }
    })
  }

  /**
   * `<server>__<name>` where the table does not have it: in `auto`, so that a name with its server works before and after another server
   * brings a collision; and for a server whose list is not known, which then answers for itself.
   */
  #byPrefix(kind: 'tools' | 'prompts', name: string): Owner | undefined {
    const { project, server, tools } = this.#view()
    const at = name.indexOf(SERVER_SEPARATOR)
    const owner = at < 0 ? undefined : server(name.slice(0, at))
    if (owner === undefined || project.namespacing === 'never') return undefined
    const rest = name.slice(at + SERVER_SEPARATOR.length)
    const wanted = kind === 'tools' ? tools(owner.name).wanted : (own: string) => own
    const items = this.#lists.last(owner.name, kind)?.items
    const own = items?.map((item) => item.name).find((item) => typeof item === 'string' && wanted(item) === rest)
    if (typeof own === 'string') return project.namespacing === 'auto' ? { server: owner.name, own } : undefined
    return items === undefined && wanted(rest) === rest ? { server: owner.name, own: rest } : undefined
  }
}
