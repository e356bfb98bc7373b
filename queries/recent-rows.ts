import type { ResourceRow } from '../domain/kernel/resource.ts'

interface Change {
  readonly kind: string
  readonly names?: readonly string[] | undefined
}
interface ChangedRow {
  readonly kind: string
  readonly name: string
  readonly row: ResourceRow | undefined
}

/** Most rows that are kept. */
export const MAX_RECENT_ROWS = 1_000

/** The rows that the last commits told of, each as it is now: every later change replaces it or has it forgotten. */
export class RecentRows {
  readonly #rows = new Map<string, Map<string, ResourceRow | undefined>>()
  #count = 0

  /** Takes in a commit, which must come after all that were taken in before. */
  note(changes: readonly Change[], rows: readonly ChangedRow[] = []): void {
    for (const { kind, names } of changes) {
      if (names === undefined) this.#forgetKind(kind)
      else for (const name of names) this.#forget(kind, name)
    }
    for (const { kind, name, row } of rows) {
      if (this.#count >= MAX_RECENT_ROWS) this.clear()
      const known = this.#rows.get(kind)
      if (known === undefined) this.#rows.set(kind, new Map([[name, row]]))
      else known.set(name, row)
      this.#count += 1
    }
  }

  /** Undefined: nothing is known. An entry without a row: there is none. */
  find(kind: string, name: string): { readonly row: ResourceRow | undefined } | undefined {
    const known = this.#rows.get(kind)
    return known?.has(name) === true ? { row: known.get(name) } : undefined
  }

  clear(): void {
    this.#rows.clear()
    this.#count = 0
  }

  #forget(kind: string, name: string): void {
    if (this.#rows.get(kind)?.delete(name) === true) this.#count -= 1
  }

  #forgetKind(kind: string): void {
    this.#count -= this.#rows.get(kind)?.size ?? 0
    this.#rows.delete(kind)
  }
}
