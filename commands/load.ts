import type { Decider, Recorded } from '../domain/kernel/decider.ts'
import type { DomainEvent, RecordedEvent } from '../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../domain/kernel/event-log.ts'
import { type Catalog, unknownEvent } from '../domain/kernel/event-type.ts'

/** A command that stands in a stream already, by what it left there. */
interface EarlierCommand {
  readonly requestHash: string | undefined
  readonly events: readonly Recorded[]
}

/** A stream folded to its present state. */
export interface Loaded<State> {
  readonly state: State
  readonly revision: ExpectedRevision
  /** The newest commands that came with an `Idempotency-Key`, by command id. */
  readonly commands: ReadonlyMap<string, EarlierCommand>
}

/** Streams kept folded in memory. */
const MAX_CACHED_STREAMS = 2_000
/** Commands remembered for each stream: a key repeated after that many others counts as new. */
const MAX_REMEMBERED_COMMANDS = 200

/**
 * Folds a stream, or what has come to it since `known`.
 * @throws UnknownEvent when it holds an event this version does not understand: nothing is decided on half a history.
 */
export const loadStream = async <State, Event extends DomainEvent>(
  { log, catalog }: { readonly log: EventLog; readonly catalog: Catalog },
  decider: Decider<State, never, Event>,
  stream: string,
  known: Loaded<State> | undefined,
): Promise<Loaded<State>> => {
  let state = known?.state ?? decider.initial
  let revision: ExpectedRevision = known?.revision ?? 'none'
  let commands: Map<string, EarlierCommand> | undefined
  const from = revision === 'none' ? {} : { from: revision + 1n }
  for await (const stored of log.readStream(stream, from)) {
    // The catalogue has checked that the type belongs to this category, so it is one the decider knows.
    const event = catalog.decode(stored) as Recorded<Event>
    state = evolved(decider, state, event, stored)
    revision = stored.revision
    commands ??= new Map(known?.commands)
    remember(commands, stored.metadata.commandId, stored.metadata.requestHash, [event])
  }
  if (known !== undefined && commands === undefined) return known
  return { state, revision, commands: commands ?? new Map() }
}

/** @throws unknown-event where the payload is not what this type holds: that is no bug of the command's. */
const evolved = <State, Event extends DomainEvent>(
  decider: Decider<State, never, Event>,
  state: State,
  event: Recorded<Event>,
  { stream, revision, type, metadata }: RecordedEvent,
): State => {
  try {
    return decider.evolve(state, event)
  } catch {
    throw unknownEvent(stream, revision, type, metadata.schemaVersion, 'its payload is not what it should hold')
  }
}

const remember = (
  commands: Map<string, EarlierCommand>,
  commandId: string,
  requestHash: string | undefined,
  events: readonly Recorded[],
): void => {
  const earlier = commands.get(commandId)
  commands.set(commandId, { requestHash, events: [...(earlier?.events ?? []), ...events] })
  if (commands.size <= MAX_REMEMBERED_COMMANDS) return
  const oldest = commands.keys().next().value
  if (oldest !== undefined) commands.delete(oldest)
}

/** The commands of a stream after one more. */
export const remembering = (
  commands: Loaded<unknown>['commands'],
  { commandId, requestHash }: { readonly commandId: string; readonly requestHash?: string },
  events: readonly Recorded[],
): Loaded<unknown>['commands'] => {
  const all = new Map(commands)
  remember(all, commandId, requestHash, events)
  return all
}

/** Folded streams by decider and name, the longest unused dropped first. */
export interface StreamCache {
  get<State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
  ): Loaded<State> | undefined
  set<State, Event extends DomainEvent>(
    decider: Decider<State, never, Event>,
    stream: string,
    loaded: Loaded<State>,
  ): void
}

export const createStreamCache = (): StreamCache => {
  // Keyed by decider as well: the types of the states say which one made them.
  const entries = new Map<string, { decider: object; loaded: Loaded<unknown> }>()
  return {
    get<State, Event extends DomainEvent>(decider: Decider<State, never, Event>, stream: string) {
      const entry = entries.get(stream)
      if (entry === undefined || entry.decider !== decider) return undefined
      entries.delete(stream)
      entries.set(stream, entry)
      return entry.loaded as Loaded<State>
    },
    set(decider, stream, loaded) {
      entries.delete(stream)
      entries.set(stream, { decider, loaded })
      if (entries.size <= MAX_CACHED_STREAMS) return
      const oldest = entries.keys().next().value
      if (oldest !== undefined) entries.delete(oldest)
    },
  }
}
