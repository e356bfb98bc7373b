import type { ListKind } from './lists.ts'

/** The lists a client is told of when they change; templates count as resources. */
export type ChangedList = 'tools' | 'prompts' | 'resources'

/** What a client is told when a list of this kind has changed. */
export const changedBy = (kind: ListKind): ChangedList => (kind === 'templates' ? 'resources' : kind)

/** Gathers changes of lists: a server that starts or fails changes several, several times, in a moment. */
export class ListChanges {
  readonly #waitMs: number
  readonly #tell: (list: ChangedList) => void
  readonly #due = new Set<ChangedList>()
  #timer: NodeJS.Timeout | undefined

  constructor(waitMs: number, tell: (list: ChangedList) => void) {
    this.#waitMs = waitMs
    this.#tell = tell
  }

  /** Tells of the change once, together with others that come within the wait. */
  changed(...lists: readonly ChangedList[]): void {
    for (const list of lists) this.#due.add(list)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const due = [...this.#due]
      this.#due.clear()
      for (const list of due) this.#tell(list)
    }, this.#waitMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#due.clear()
  }
}
