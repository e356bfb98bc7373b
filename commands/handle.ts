import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/kernel/clock.ts'
import type { Decider, Recorded } from '../domain/kernel/decider.ts'
import { coded, isError } from '../domain/kernel/errors.ts'
import type { DomainEvent, EventMetadata, NewEvent, Position, Revision } from '../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../domain/kernel/event-log.ts'
import type { Catalog } from '../domain/kernel/event-type.ts'
import { wrongExpectedRevision } from '../domain/kernel/log-errors.ts'
import { createTurns } from '../domain/kernel/turns.ts'
import type { CommandContext } from './context.ts'
import { eventId } from './event-id.ts'
import { createStreamCache, type Loaded, loadStream, remembering } from './load.ts'

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

/**
 * Makes a command. `fresh` is false for a state that was kept in memory, which may be an old one: answering undefined then
 * asks for the log's. What changes anything beside the stream is to be done for a fresh state only.
 */
export type MakeCommand<State, Command> = (state: State, fresh: boolean) => Promise<Command | undefined>

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
  /** As `handle`, with a command that is made from the very state it is decided on, again for each round. */
  handleMade<State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    stream: string,
    make: MakeCommand<State, Command>,
    context: CommandContext,
  ): Promise<Handled<State>>
  /** The present state of a stream, from the log itself. */
  load<State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
  ): Promise<{ readonly state: State; readonly revision: ExpectedRevision }>
}

/** Lost races after which a command gives up. */
const MAX_ROUNDS = 20
/** Before a lost race is run again, up to so many ms for each one lost: who races with many others gets out of their step. */
const PAUSE_MS = 2
/** How long a command waits for others of this process on the same stream. While the log is away all wait at once, not one after the other. */
const TURN_MS = 2_000

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
  const turns = createTurns({ patienceMs: TURN_MS })

  const load = async <State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
  ): Promise<Loaded<State>> => {
    const loaded = await loadStream({ log, catalog }, decider, stream, cache.get(decider, stream))
    cache.set(decider, stream, loaded)
    return loaded
  }

  /** Appends what was decided; undefined when somebody else has appended since the state was read. */
  const commit = async <State, Event extends DomainEvent>(
    loaded: Loaded<State>,
    decider: Decider<State, never, Event>,
    stream: string,
    decided: readonly Event[],
    context: CommandContext,
  ): Promise<Handled<State> | undefined> => {
    const { state: before, revision: expected, commands } = loaded
    if (decided.length === 0)
      return { state: before, revision: expected, position: undefined, events: [], outcome: 'unchanged' }
    const occurredAt = clock.now().toISOString()
    const fresh = decided.map((event, index) => newEvent(catalog, stream, event, index, context, occurredAt))
    const planned = asRecorded(stream, decided, fresh, expected)
    const state = planned.reduce<State>((all, event) => decider.evolve(all, event), before)
    if (context.dryRun === true)
      return { state, revision: expected, position: undefined, events: planned, outcome: 'planned' }
    try {
      const { revision, position } = await log.append(stream, fresh, expected)
      const events = at(planned, revision, position)
      // Of several events only the last one's position is known: those are read back at the next use.
      if (events.length === 1) {
        const known = context.isNew === true ? commands : remembering(commands, context, events)
        cache.set(decider, stream, { state, revision, commands: known })
      }
      return { state, revision, position, events, outcome: 'changed' }
    } catch (error) {
      if (!isError(error, wrongExpectedRevision)) throw error
      return undefined
    }
  }

  /**
   * Decides on the state kept in memory, which saves reading the log. The append proves that it was the present one, so
   * only what ends in an append counts: undefined for everything else, a refusal included.
   */
  const decideOnKept = async <State, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    stream: string,
    make: MakeCommand<State, Command>,
    context: CommandContext,
  ): Promise<Handled<State> | undefined> => {
    const kept = cache.get(decider, stream)
    const command = kept === undefined ? undefined : await make(kept.state, false)
    if (kept === undefined || command === undefined) return undefined
    const decided = unlessRefused(() => decider.decide(command, kept.state))
    return decided.length === 0 ? undefined : commit(kept, decider, stream, decided, context)
  }

  const handleMade: CommandLoop['handleMade'] = async (decider, stream, make, context) => {
    if (context.isNew === true && context.dryRun !== true) {
      const done = await decideOnKept(decider, stream, make, context)
      if (done !== undefined) return done
    }
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const loaded = await load(decider, stream)
      const before = alreadyHandled(loaded, context)
      if (before !== undefined) return before
      const command = await make(loaded.state, true)
      if (command === undefined) throw new Error(`no command was made for the present state of ${stream}`)
      const done = await commit(loaded, decider, stream, decider.decide(command, loaded.state), context)
      if (done !== undefined) return done
      await sleep(Math.random() * PAUSE_MS * round)
    }
    throw conflict(stream)
  }

  return {
    load,
    handleMade,
    // Many wait for the same stream when many refer to the same thing. Commands that are made on the way take no turns: they
    // send others meanwhile, which could wait for them.
    handle: (decider, stream, command, context) =>
      turns.take(stream, () => handleMade(decider, stream, async () => command, context)),
  }
}

/** What was decided; nothing when it was refused, or a bug threw: deciding on the log's own state will say so again. */
const unlessRefused = <Event>(decide: () => readonly Event[]): readonly Event[] => {
  try {
    return decide()
  } catch {
    return []
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
