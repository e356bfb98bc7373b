import type { Breaker, Breakers } from './breaker.ts'
import type { Listed, ListKind, ProjectLists } from './lists.ts'

/** What is known of the servers with which one session, or all of a project, have a session. */
export interface ProjectState {
  readonly lists: ProjectLists
  readonly breakers: Breakers
}

/**
 * What one session knows of its servers: together with the other sessions of its project where they share the server's session, by itself
 * where it has one of its own, which may list other things, and hang while others do not.
 */
export class SessionState {
  readonly #shared: ProjectState
  readonly #own: ProjectState
  readonly #dedicated: () => ReadonlySet<string>

  /** @param dedicated servers with which each client has a session of its own */
  constructor(shared: ProjectState, own: ProjectState, dedicated: () => ReadonlySet<string>) {
    this.#shared = shared
    this.#own = own
    this.#dedicated = dedicated
  }

  get(server: string, kind: ListKind, fetch: () => Promise<Listed>): Promise<Listed | undefined> {
    return this.#of(server).lists.get(server, kind, fetch)
  }

  last(server: string, kind: ListKind): Listed | undefined {
    return this.#of(server).lists.last(server, kind)
  }

  failure(server: string, kind: ListKind): string | undefined {
    return this.#of(server).lists.failure(server, kind)
  }

  late(server: string, kind: ListKind, reason: string): void {
    this.#of(server).lists.late(server, kind, reason)
  }

  drop(server: string, kind: ListKind): void {
    this.#of(server).lists.drop(server, kind)
  }

  get retryMs(): number {
    return this.#own.lists.retryMs
  }

  /** A value made from the last lists of all servers and from `on`; made once for all sessions where they share all servers. */
  derived<T>(name: string, on: string, make: () => T): T {
    const { lists } = this.#shared
    if (this.#dedicated().size === 0) return lists.derived(name, on, make)
    return this.#own.lists.derived(name, on, make, lists.version)
  }

  breaker(server: string): Breaker {
    return this.#of(server).breakers.of(server)
  }

  /** The server is another than before. */
  forgetBreaker(server: string): void {
    this.#of(server).breakers.forget(server)
  }

  /** Forgets servers that are attached no more. */
  keepOnly(servers: readonly string[]): void {
    for (const { lists, breakers } of [this.#shared, this.#own]) {
      lists.keepOnly(servers)
      breakers.keepOnly(servers)
    }
  }

  #of(server: string): ProjectState {
    return this.#dedicated().has(server) ? this.#own : this.#shared
  }
}
