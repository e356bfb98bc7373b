import type { Position } from '../domain/kernel/event.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'
import { RecentRows } from './recent-rows.ts'

/** Which resources of a kind a commit changed; `names` undefined: any of them may have changed. */
export type ChangeListener = (kind: string, names: readonly string[] | undefined, position: Position) => void

export interface WaitOptions {
  /** Default 5000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

interface SeenCommit {
  readonly position: Position
  readonly changes: readonly { readonly kind: string; readonly names?: readonly string[] | undefined }[]
  /** The rows after it, of all resources it changed; left out where they were not told. */
  readonly rows?: readonly { readonly kind: string; readonly name: string; readonly row: ResourceRow | undefined }[]
}

/** Most calls that wait for a position at once; more are answered at once that it is not there. */
const MAX_WAITERS = 10_000
const DEFAULT_TIMEOUT_MS = 5000

/** What this program knows of commits, and who waits for one. Nothing here asks the database. */
export class CommitSignal {
  readonly #waiters = new Set<{ readonly position: Position; readonly wake: () => void }>()
  readonly #listeners = new Set<ChangeListener>()
  readonly #lastChange = new Map<string, Position>()
  readonly #recent = new RecentRows()
  #position: Position | undefined
  #since: Position | undefined

  /** Position of the newest commit that is known; undefined before there is a live read model. */
  get position(): Position | undefined {
    return this.#position
  }

  /** A commit became visible. */
  advance({ position, changes, rows }: SeenCommit): void {
    this.#recent.note(changes, rows)
    this.#since ??= position
    if (this.#position === undefined || position > this.#position) this.#position = position
    for (const { kind, names } of changes) {
      this.#lastChange.set(kind, position)
      for (const listener of this.#listeners) listener(kind, names, position)
    }
    for (const waiter of this.#waiters) if (waiter.position <= this.#position) waiter.wake()
  }

  /**
   * What is in the database after commits may have been missed, or undefined when there is no live read model any more:
   * the position may have gone back. Every kind may have changed.
   */
  reset(position: Position | undefined, kinds: readonly string[]): void {
    this.#position = undefined
    this.#since = position
    this.#lastChange.clear()
    this.#recent.clear()
    if (position !== undefined) this.advance({ position, changes: kinds.map((kind) => ({ kind })) })
  }

  /** A resource as of the newest commit, where that is known without asking the database. */
  row(kind: string, name: string): { readonly row: ResourceRow | undefined; readonly asOf: Position } | undefined {
    const found = this.#recent.find(kind, name)
    return found === undefined || this.#position === undefined ? undefined : { ...found, asOf: this.#position }
  }

  /** The last commit that may have changed a kind. */
  lastChange(kind: string): Position | undefined {
    return this.#lastChange.get(kind) ?? this.#since
  }

  /** Calls `listener` for each kind of each commit until the returned function is called. It must not throw. */
  changes(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Resolves with true once rows of `position` can be read, with false after `timeoutMs` or when `signal` aborts. */
  waitFor(position: Position, { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions = {}): Promise<boolean> {
    if (this.#position !== undefined && this.#position >= position) return Promise.resolve(true)
    if (signal?.aborted === true || timeoutMs <= 0 || this.#waiters.size >= MAX_WAITERS) return Promise.resolve(false)
    return new Promise((resolve) => {
      const finish = (there: boolean): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        this.#waiters.delete(waiter)
        resolve(there)
      }
      const giveUp = (): void => finish(false)
      const waiter = { position, wake: () => finish(true) }
      const timer = setTimeout(giveUp, timeoutMs)
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#waiters.add(waiter)
    })
  }
}
