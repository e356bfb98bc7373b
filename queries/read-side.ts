import type { Position } from '../domain/kernel/event.ts'
import type { ChangeListener, WaitOptions } from './commit-signal.ts'
import type { Queries } from './queries.ts'
import type { ReadModelStatus } from './status.ts'

/** Everything that reads rows, and what keeps them up to date. Made by `adapters/postgres`. */
export interface ReadSide {
  readonly queries: Queries
  /** Read your own writes: true once rows hold everything up to `position`, false after the deadline (5 s if left out). */
  waitFor(position: Position, options?: WaitOptions): Promise<boolean>
  /** One entry a read model. Never throws. */
  status(): Promise<readonly ReadModelStatus[]>
  /**
   * Asks for a rebuild of all rows beside the live ones, by whichever program keeps them; one under way goes on.
   * `status` shows its progress, and another `generation` once it is done. @throws read-model-unavailable
   */
  rebuild(): Promise<{ readonly readModel: string; readonly requested: true }>
  /** Calls `listener` for each kind a commit changed, until the returned function is called. */
  changes(listener: ChangeListener): () => void
  /** Stops following the log and frees everything. Repeating it has no effect. */
  close(): Promise<void>
}
