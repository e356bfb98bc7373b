import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkedServer } from '../../domain/mcp/link.ts'
import type { FetchList } from './fetch-list.ts'
import { type Listed, type ListKind, listKinds } from './lists.ts'
import type { ProjectView } from './project-view.ts'
import type { SessionState } from './session-state.ts'

export interface ListLoaderOptions {
  readonly state: SessionState
  readonly fetch: FetchList
  readonly view: () => ProjectView
  readonly logger: Logger
  /** How long a listing waits for a server that has never listed anything, and for one that has. It is asked for longer. */
  readonly firstListMs: number
  readonly listMs: number
  /** A list came that had been left out. */
  onArrived(kind: ListKind): void
  /** A server is left out of a list in which it was before, or might have been. */
  onLeftOut(server: string, reason: string): void
}

/** A server that is not in a list, and why. */
export interface LeftOut {
  readonly server: string
  readonly reason: string
}

/** How long a listing waits for a server that was left out of the one before: it may be well again. */
const SECOND_CHANCE_MS = 100
/** Longest pause between two attempts to get a list that is missing. */
const MAX_RETRY_MS = 60_000
/** Longest reason that a client is told, in characters. */
const MAX_REASON = 300

/**
 * Gets the lists of a project's servers for one session. A listing waits for each server for a while only, and for one that has failed not
 * again: that is asked on, in pauses that grow, and the client hears of it when its list has come.
 */
export class ListLoader {
  readonly #options: ListLoaderOptions
  readonly #missing = new Map<string, { readonly server: string; readonly kind: ListKind }>()
  #timer: NodeJS.Timeout | undefined
  #retryMs: number
  #closed = false

  constructor(options: ListLoaderOptions) {
    this.#options = options
    this.#retryMs = options.state.retryMs
  }

  /**
   * The lists of all servers that offer the kind and answer in time.
   * @throws AskerGone when the session or its link ended meanwhile
   */
  async all(kind: ListKind): Promise<{ server: LinkedServer; listed: Listed }[]> {
    const asked = this.#able(kind)
    const lists = await Promise.all(
      asked.map(async (server) => ({ server, listed: await this.one(server.name, kind) })),
    )
    return lists.flatMap(({ server, listed }) => (listed === undefined ? [] : [{ server, listed }]))
  }

  /** The list of one server; undefined if it fails or takes too long. @throws AskerGone */
  async one(server: string, kind: ListKind): Promise<Listed | undefined> {
    const { state, view, firstListMs, listMs } = this.#options
    const failedBefore = state.failure(server, kind) !== undefined
    // Without it there is nothing to answer where it is the only one; and one with sessions of their own may have to start first.
    const isWaitedFor = view().alone !== undefined || state.last(server, kind) !== undefined
    const patience = isWaitedFor ? listMs : firstListMs
    const waitMs = failedBefore ? SECOND_CHANCE_MS : patience
    const load = this.#get(server, kind)
    const listed = await within(waitMs, load)
    if (listed === LATE) state.late(server, kind, `it has not listed its ${nouns[kind]} within ${waitMs / 1000} s`)
    else if (listed !== undefined) return listed
    this.#awaitLate(load, server, kind)
    if (!failedBefore) this.#leaveOut(server, kind)
    return undefined
  }

  /** The servers that are not in the list, as things stand. */
  leftOut(kind: ListKind): readonly LeftOut[] {
    const { view, state } = this.#options
    const able = new Set(this.#able(kind).map(({ name }) => name))
    return view().project.servers.flatMap(({ name: server, state: is, reason }) => {
      const why =
        is === 'ready' ? (able.has(server) ? state.failure(server, kind) : undefined) : (reason ?? 'it is not running')
      return why === undefined ? [] : [{ server, reason: why.slice(0, MAX_REASON) }]
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#missing.clear()
  }

  #able(kind: ListKind): readonly LinkedServer[] {
    return this.#options.view().able(listKinds[kind].capability)
  }

  #get(server: string, kind: ListKind): Promise<Listed | undefined> {
    const { state, fetch } = this.#options
    return state.get(server, kind, () => fetch(server, kind))
  }

  /** Said once, not with every attempt that fails. */
  #leaveOut(server: string, kind: ListKind): void {
    const { logger, view, state, onLeftOut } = this.#options
    const reason = state.failure(server, kind) ?? 'it has failed'
    logger.warn({ project: view().project.name, server, kind, reason }, 'server left out of a list')
    onLeftOut(server, reason)
  }

  /** Tells of a list when it comes, and asks again if it does not. What fails as the asker has gone is asked for over the next link. */
  #awaitLate(load: Promise<Listed | undefined>, server: string, kind: ListKind): void {
    load.then(
      (listed) => {
        if (this.#closed) return
        if (listed === undefined) this.#retry(server, kind)
        else {
          this.#retryMs = this.#options.state.retryMs
          this.#options.onArrived(kind)
        }
      },
      () => {},
    )
  }

  #retry(server: string, kind: ListKind): void {
    this.#missing.set(`${server}\u0000${kind}`, { server, kind })
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
      const due = [...this.#missing.values()]
      this.#missing.clear()
      for (const { server, kind } of due)
        if (this.#able(kind).some(({ name }) => name === server)) this.#awaitLate(this.#get(server, kind), server, kind)
    }, this.#retryMs)
    this.#timer.unref()
  }
}

const nouns: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  templates: 'resource templates',
}

const LATE = Symbol('late')

const within = async <T>(ms: number, answer: Promise<T>): Promise<T | typeof LATE> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, ms, LATE)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
