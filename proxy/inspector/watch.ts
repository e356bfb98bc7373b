import { randomUUID } from 'node:crypto'
import type { FeedEventName, FeedEvents, FeedSession } from './feed.ts'
import type { InspectorLimits } from './limits.ts'
import { Ring } from './ring.ts'
import { SessionRecords } from './session-records.ts'
import type { Tap } from './taps.ts'
import type { Watcher } from './watcher.ts'

/** All who watch one project with one bearer, and what they can see. It is there only as long as somebody watches. */
export class Watch {
  readonly project: string
  /** SHA-256 of the bearer. */
  readonly bearer: Buffer
  readonly #id = randomUUID()
  readonly #limits: InspectorLimits
  readonly #watchers = new Set<Watcher>()
  readonly #ring: Ring
  #lastSeq = 0

  constructor(project: string, bearer: Buffer, limits: InspectorLimits) {
    this.project = project
    this.bearer = bearer
    this.#limits = limits
    this.#ring = new Ring(limits)
  }

  get size(): number {
    return this.#watchers.size
  }

  /** Lets a watcher in; it is told first what there is, and what the others have seen last. */
  join(watcher: Watcher, sessions: readonly FeedSession[]): void {
    watcher.send('hello', { watch: this.#id, project: this.project, sessions })
    for (const json of this.#ring.records) watcher.message(json)
    this.#watchers.add(watcher)
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }

  /** What listens to one session. @param session its id, shortened */
  tap(session: string): Tap {
    const records = new SessionRecords(session, this.#limits)
    return (side, direction, server, message) => {
      this.#lastSeq += 1
      const json = records.record(this.#lastSeq, side, direction, server, message)
      this.#ring.push(json)
      for (const watcher of this.#watchers) watcher.message(json)
    }
  }

  tell<Name extends FeedEventName>(event: Name, data: FeedEvents[Name]): void {
    for (const watcher of this.#watchers) watcher.send(event, data)
  }
}
