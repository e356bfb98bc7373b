import type { Logger } from '../../domain/kernel/logger.ts'
import { Breakers } from './breaker.ts'
import { defaultListTtl, type ListTtl, ProjectLists } from './lists.ts'
import { type ProjectState, SessionState } from './session-state.ts'

/** The states of all projects with at least one session; what the last session leaves is forgotten, as nobody would hear it change. */
export class ProjectStates {
  readonly #ttl: ListTtl
  readonly #projects = new Map<string, { readonly state: ProjectState; users: number }>()

  constructor(ttl: ListTtl = defaultListTtl) {
    this.#ttl = ttl
  }

  get size(): number {
    return this.#projects.size
  }

  /** @param dedicated servers with which each client has a session of its own: of those, nothing is shared */
  join(project: string, logger: Logger, dedicated: () => ReadonlySet<string>): SessionState {
    const held = this.#projects.get(project) ?? { state: this.#fresh(project, logger), users: 0 }
    held.users++
    this.#projects.set(project, held)
    return new SessionState(held.state, this.#fresh(project, logger), dedicated)
  }

  leave(project: string): void {
    const held = this.#projects.get(project)
    if (held !== undefined && --held.users === 0) this.#projects.delete(project)
  }

  #fresh(project: string, logger: Logger): ProjectState {
    return { lists: new ProjectLists(this.#ttl), breakers: new Breakers(project, logger) }
  }
}
