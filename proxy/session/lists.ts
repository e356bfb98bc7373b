import { messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** What a server can list. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates'

/** How MCP asks for each kind, in which field the answer has it, which field names an item, which capability offers it. */
export const listKinds = {
  tools: { method: 'tools/list', field: 'tools', key: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', field: 'prompts', key: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', field: 'resources', key: 'uri', capability: 'resources' },
  templates: {
    method: 'resources/templates/list',
    field: 'resourceTemplates',
    key: 'uriTemplate',
    capability: 'resources',
  },
} as const

/** One server's whole list of a kind, as it came. */
export interface Listed {
  readonly items: readonly JsonObject[]
  /** What the answer held beside the items and the cursor. */
  readonly rest: JsonObject
}

/** The asker's session or link ended while it asked: says nothing about the server, so another may ask again. */
export class AskerGone extends Error {}

export interface ListTtl {
  /** Milliseconds a list counts as fresh. */
  readonly positiveMs: number
  /** Milliseconds a server that failed is not asked again. */
  readonly negativeMs: number
}

export const defaultListTtl: ListTtl = { positiveMs: 5 * 60_000, negativeMs: 5_000 }

interface Entry {
  /** Set once a list came: names go on to be known when the server is away or the list is due. */
  last?: Listed
  freshUntil: number
  failedUntil: number
  /** Why it is not there; set while the server fails, and while it takes longer than somebody has waited. */
  failure?: string
  loading: Promise<Listed | undefined> | undefined
  /** Counts drops: a list asked for before a drop is not fresh when it comes. */
  generation: number
  /** The generation that `last` was asked for in. */
  lastGeneration: number
}

interface Memo {
  readonly version: number
  readonly beside: number
  readonly on: string
  readonly value: unknown
}

/**
 * The lists of one project's servers, shared by its sessions, so that the second client of a project waits for nothing. Bounded by what a
 * project attaches and what a list may hold.
 */
export class ProjectLists {
  readonly #ttl: ListTtl
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #memo = new Map<string, Memo>()
  /** Counts lists that came or went. */
  version = 0

  constructor(ttl: ListTtl = defaultListTtl, now: () => number = () => performance.now()) {
    this.#ttl = ttl
    this.#now = now
  }

  /** The list, from the cache or by `fetch`, which concurrent callers share; undefined while the server fails. */
  async get(server: string, kind: ListKind, fetch: () => Promise<Listed>): Promise<Listed | undefined> {
    for (;;) {
      const entry = this.#entry(server, kind)
      const now = this.#now()
      if (entry.last !== undefined && now < entry.freshUntil) return entry.last
      if (now < entry.failedUntil) return undefined
      const own = entry.loading === undefined
      entry.loading ??= this.#load(entry, fetch)
      try {
        return await entry.loading
      } catch (error) {
        if (own || !(error instanceof AskerGone)) throw error
      }
    }
  }

  /** The list that came last, fresh or not. */
  last(server: string, kind: ListKind): Listed | undefined {
    return this.#entries.get(keyOf(server, kind))?.last
  }

  /** Why the server was left out last time; undefined if it was not, or something about it has changed since. */
  failure(server: string, kind: ListKind): string | undefined {
    return this.#entries.get(keyOf(server, kind))?.failure
  }

  /** Somebody waits no longer for a list that is still asked for. */
  late(server: string, kind: ListKind, reason: string): void {
    const entry = this.#entries.get(keyOf(server, kind))
    if (entry?.loading !== undefined) entry.failure ??= reason
  }

  /** Milliseconds after which a server that failed is asked again. */
  get retryMs(): number {
    return this.#ttl.negativeMs
  }

  /** The list has changed, or the server has: ask again next time. What was known stays known until then. */
  drop(server: string, kind: ListKind): void {
    const entry = this.#entries.get(keyOf(server, kind))
    if (entry === undefined) return
    entry.freshUntil = 0
    entry.failedUntil = 0
    delete entry.failure
    entry.generation++
    entry.loading = undefined
  }

  /** Forgets servers that are attached no more. */
  keepOnly(servers: readonly string[]): void {
    for (const key of this.#entries.keys())
      if (!servers.includes(key.slice(0, key.indexOf('\u0000')))) {
        this.#entries.delete(key)
        this.version++
      }
  }

  /** A value made from the last lists, from `on` and from the lists of which `beside` is the version, made again when one has changed. */
  derived<T>(name: string, on: string, make: () => T, beside = 0): T {
    const { version } = this
    const memo = this.#memo.get(name)
    // Compared as they are: joined to one text they would be copied and read through, each time.
    if (memo?.version === version && memo.beside === beside && memo.on === on) return memo.value as T // stored by this very call site
    const value = make()
    this.#memo.set(name, { version, beside, on, value })
    return value
  }

  #entry(server: string, kind: ListKind): Entry {
    const key = keyOf(server, kind)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { freshUntil: 0, failedUntil: 0, loading: undefined, generation: 0, lastGeneration: 0 }
      this.#entries.set(key, entry)
    }
    return entry
  }

  async #load(entry: Entry, fetch: () => Promise<Listed>): Promise<Listed | undefined> {
    const { generation } = entry
    const current = () => entry.generation === generation
    try {
      const listed = await fetch()
      // One that changed on its way is still newer than what came before it: names are found in `last`.
      if (generation >= entry.lastGeneration) {
        entry.last = listed
        entry.lastGeneration = generation
        this.version++
      }
      if (current()) {
        entry.freshUntil = this.#now() + this.#ttl.positiveMs
        delete entry.failure
      }
      return listed
    } catch (error) {
      if (error instanceof AskerGone) throw error
      if (current()) {
        entry.failedUntil = this.#now() + this.#ttl.negativeMs
        entry.failure = messageOf(error)
      }
      return undefined
    } finally {
      if (current()) entry.loading = undefined
    }
  }
}

const keyOf = (server: string, kind: ListKind): string => `${server}\u0000${kind}`
