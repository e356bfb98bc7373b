import type { Owner } from './names.ts'

/** Most names that are remembered beyond those of the last list. */
const MAX_FORMER = 1_000
/** Longer ones are not remembered: names that we give are shorter. */
const MAX_LENGTH = 1_024

/**
 * What names have meant to one client. A name goes on to mean what it did when the client was given it, though servers came, went or were
 * put in another order since: until a newer list gives the name to another.
 */
export class GivenNames {
  #listed: ReadonlyMap<string, Owner> = new Map()
  /** Names of earlier lists, and names used without one. */
  readonly #former = new Map<string, Owner>()

  /** The client is given a list. */
  list(owners: ReadonlyMap<string, Owner>): void {
    if (owners === this.#listed) return
    for (const [name, owner] of this.#listed) if (!owners.has(name)) this.#remember(name, owner)
    for (const name of this.#former.keys()) if (owners.has(name)) this.#former.delete(name)
    this.#listed = owners
  }

  /** The client uses a name that no list had. */
  use(name: string, owner: Owner): void {
    if (!this.#listed.has(name)) this.#remember(name, owner)
  }

  /** Whose the name was when the client was given it. */
  get(name: string): Owner | undefined {
    return this.#listed.get(name) ?? this.#former.get(name)
  }

  #remember(name: string, owner: Owner): void {
    if (name.length > MAX_LENGTH) return
    this.#former.delete(name) // the one named last is forgotten last
    this.#former.set(name, owner)
    const [oldest] = this.#former.keys()
    if (this.#former.size > MAX_FORMER && oldest !== undefined) this.#former.delete(oldest)
  }
}
