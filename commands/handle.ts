import type { Clock } from '../domain/kernel/clock.ts'
import type { Decider, Recorded } from '../domain/kernel/decider.ts'
import { coded, isError } from '../domain/kernel/errors.ts'
import type { DomainEvent, EventMetadata, NewEvent, Position, Revision } from '../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../domain/kernel/event-log.ts'
import type { Catalog } from '../domain/kernel/event-type.ts'
import { wrongExpectedRevision } from '../domain/kernel/log-errors.ts'
import type { CommandContext } from './context.ts'
import { eventId } from './event-id.ts'
import { createStreamCache, type Loaded, loadStream } from './load.ts'

/** What a command came to. */
export interface Handled<State> {
  /** The state after it. */
  readonly state: State
  /** Revision of the stream's last event; 'none' when it has none. */
  readonly revision: ExpectedRevision
  /** Position of this command's last event; undefined when it changed nothing or was a dry run. */
  readonly position: Position | undefined
  /** The events of this command: appended now, appended by an earlier request with the same key, or (dry run) those that would be. */
  readonly events: readonly Recorded[]
  /** `changed`: appended now. `repeated`: the same command was handled before. `unchanged`: `[]`. `planned`: dry run. */
  readonly outcome: 'changed' | 'repeated' | 'unchanged' | 'planned'
}

export interface CommandDeps {
  readonly log: EventLog
  readonly catalog: Catalog
  readonly clock: Clock
}

/** The one loop that runs every decider: load → decide → append, and again when somebody else was faster. */
export interface CommandLoop {
  /**
   * @throws whatever `decide` refuses with; `conflict` (409) after `MAX_ROUNDS` lost races; `idempotency-key-reused` (422);
   *   LogUnavailable when the log does not answer.
   */
  handle<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    stream: string,
    command: Command,
    context: CommandContext,
  ): Promise<Handled<State>>
  /** The present state of a stream, from the log itself. */
  load<State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
  ): Promise<{ readonly state: State; readonly revision: ExpectedRevision }>
}

/** Lost races after which a command gives up. */
export const MAX_ROUNDS = 5

/** 409: others kept changing the same resource. */
export const conflict = coded('conflict', 409, 'Others keep changing the same resource', (stream: string) => ({
  message: `${stream} was changed by others ${MAX_ROUNDS} times while this command was decided`,
  hint: 'Try again',
  retryAfter: 1,
}))

/** 422: an Idempotency-Key names one request for good. */
export const idempotencyKeyReused = coded(
  'idempotency-key-reused',
  422,
  'An Idempotency-Key was used before with another request',
  () => ({
    message: 'this Idempotency-Key was used before with another request',
    hint: 'Use a new key for a new request; repeat a request with exactly the same body',
  }),
)

export const createCommandLoop = ({ log, catalog, clock }: CommandDeps): CommandLoop => {
  const cache = createStreamCache()

  const load = async <State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
  ): Promise<Loaded<State>> => {
    const loaded = await loadStream({ log, catalog }, decider, stream, cache.get(decider, stream))
    cache.set(decider, stream, loaded)
    return loaded
  }

  return {
    load,
    async handle(decider, stream, command, context) {
      for (let round = 1; ; round++) {
        const loaded = await load(decider, stream)
        const before = alreadyHandled(loaded, context)
        if (before !== undefined) return before
        const decided = decider.decide(command, loaded.state)
        if (decided.length === 0)
          return {
            state: loaded.state,
            revision: loaded.revision,
            position: undefined,
            events: [],
            outcome: 'unchanged',
          }
        const occurredAt = clock.now().toISOString()
        const fresh = decided.map((event, index) => newEvent(catalog, stream, event, index, context, occurredAt))
        const recorded = asRecorded(stream, decided, fresh, loaded.revision)
        const state = recorded.reduce<typeof loaded.state>((all, event) => decider.evolve(all, event), loaded.state)
        if (context.dryRun === true)
          return { state, revision: loaded.revision, position: undefined, events: recorded, outcome: 'planned' }
        try {
          const { revision, position } = await log.append(stream, fresh, loaded.revision)
          return { state, revision, position, events: at(recorded, revision, position), outcome: 'changed' }
        } catch (error) {
          if (!isError(error, wrongExpectedRevision)) throw error
          if (round >= MAX_ROUNDS) throw conflict(stream)
        }
      }
    },
  }
}

/** The result of an earlier command with the same id, if its events stand in the stream. */
const alreadyHandled = <State>(loaded: Loaded<State>, context: CommandContext): Handled<State> | undefined => {
  const earlier = loaded.commands.get(context.commandId)
  if (earlier === undefined) return undefined
  if (earlier.requestHash !== context.requestHash) throw idempotencyKeyReused()
  const { state, revision } = loaded
  return { state, revision, position: earlier.events.at(-1)?.position, events: earlier.events, outcome: 'repeated' }
}

const newEvent = (
  catalog: Catalog,
  stream: string,
  event: DomainEvent,
  index: number,
  context: CommandContext,
  occurredAt: string,
): NewEvent => {
  const { schemaVersion } = catalog.check(stream, event)
  const { actor, commandId, correlationId, causationId, requestHash, traceparent } = context
  const metadata: EventMetadata = {
    schemaVersion,
    occurredAt,
    actor,
    commandId,
    correlationId,
    causationId,
    ...(requestHash === undefined ? {} : { requestHash }),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
  return { id: eventId(commandId, stream, index), type: event.type, data: event.data, metadata }
}

/** The events as they will stand in the stream, by what is about to be appended. Their position is known only after that: 0 until then. */
const asRecorded = <Event extends DomainEvent>(
  stream: string,
  events: readonly Event[],
  fresh: readonly NewEvent[],
  revision: ExpectedRevision,
): Recorded<Event>[] => {
  const first: Revision = revision === 'none' ? 0n : revision + 1n
  return fresh.flatMap(({ id: eventId, metadata: { occurredAt: at, actor } }, index) => {
    const event = events[index]
    const where = { eventId, stream, revision: first + BigInt(index), position: 0n, at, actor }
    return event === undefined ? [] : [{ ...event, ...where }]
  })
}

const at = (events: readonly Recorded[], last: Revision, position: Position): Recorded[] =>
  events.map((event) => (event.revision === last ? { ...event, position } : event))
