import type { Actor, DomainEvent, Position, Revision } from './event.ts'

/** An event as folds see it: the upcast payload and where, when and by whom it was recorded. */
export type Recorded<Event extends DomainEvent = DomainEvent> = Event & {
  readonly eventId: string
  /** The whole stream name, `<category>-<id>`. */
  readonly stream: string
  readonly revision: Revision
  readonly position: Position
  /** ISO 8601 in UTC. */
  readonly at: string
  readonly actor: Actor
}

/**
 * What can happen to one stream, and when. Pure: time, ids, random bytes and hashes are in the command.
 *
 * @example
 * const events = decider.decide(command, history.reduce(decider.evolve, decider.initial))
 */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initial: State
  /** Never throws on a history of catalogued events. */
  evolve(state: State, event: Recorded<Event>): State
  /** `[]` means: already so. Throws a CodedError when the command is refused. */
  decide(command: Command, state: State): readonly Event[]
}
