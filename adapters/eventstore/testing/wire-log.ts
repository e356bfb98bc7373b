import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import type { NewEvent, RecordedEvent } from '../../../domain/kernel/event.ts'
import type { EventLog, SubscribeOptions } from '../../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { type EventStoreLogOptions, openEventStoreLog } from '../eventstore-log.ts'
import { startWireServer, type WireServer, type WireServerOptions } from './wire-server.ts'

export interface WireLog extends AsyncDisposable {
  readonly server: WireServer
  readonly log: EventLog
  /** The bare client, as another program would use it. */
  readonly client: EventStoreDBClient
  /** One more log on the same server. */
  another(options?: Partial<EventStoreLogOptions>): Promise<EventLog>
}

/** A wire-level server, a log on it and a bare client: `await using` takes all of it away again. */
export const startWireLog = async (
  options: Partial<EventStoreLogOptions> & { server?: WireServerOptions } = {},
): Promise<WireLog> => {
  const server = await startWireServer(options.server)
  const logs: EventLog[] = []
  const another = async (more: Partial<EventStoreLogOptions> = {}): Promise<EventLog> => {
    const log = await openEventStoreLog({ connectionString: server.connectionString, ...options, ...more })
    logs.push(log)
    return log
  }
  const log = await another()
  const client = EventStoreDBClient.connectionString(server.connectionString)
  return {
    server,
    log,
    client,
    another,
    async [Symbol.asyncDispose]() {
      server.faults.letGo()
      await client.dispose()
      await Promise.all(logs.map((each) => each.close()))
      await server.stop()
    },
  }
}

export const newStream = (): string => `trap-${randomUUID()}`

export const newEvent = (data: JsonObject = {}): NewEvent => {
  const commandId = randomUUID()
  return {
    id: randomUUID(),
    type: 'ThingHappened',
    data,
    metadata: {
      schemaVersion: 1,
      occurredAt: '2026-03-01T12:00:00.000Z',
      actor: { kind: 'System', name: 'test' },
      commandId,
      correlationId: commandId,
      causationId: commandId,
    },
  }
}

/** `count` events with `data.n` = `from`, `from + 1`, … */
export const newEvents = (count: number, from = 0): NewEvent[] =>
  Array.from({ length: count }, (_, index) => newEvent({ n: from + index }))

export const all = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

export const numbersOf = (events: readonly RecordedEvent[]): unknown[] => events.map(({ data }) => data.n)

/** A subscription that runs beside the test. */
export const follow = (
  log: EventLog,
  options: Omit<SubscribeOptions, 'signal'>,
): { seen: RecordedEvent[]; end(): Promise<void> } => {
  const stop = new AbortController()
  const seen: RecordedEvent[] = []
  const running = (async () => {
    for await (const batch of log.subscribe({ ...options, signal: stop.signal })) seen.push(...batch)
  })()
  running.catch(() => undefined)
  return {
    seen,
    end() {
      stop.abort()
      return running
    },
  }
}
