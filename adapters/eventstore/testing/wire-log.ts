import { EventStoreDBClient } from '@eventstore/db-client'
import { onTestFinished } from 'vitest'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import type { EventLog, SubscribeOptions } from '../../../domain/kernel/event-log.ts'
import { type EventStoreLogOptions, openEventStoreLog } from '../eventstore-log.ts'
import { startWireServer, type WireServer, type WireServerOptions } from './wire-server.ts'

export interface WireLog {
  readonly server: WireServer
  readonly log: EventLog
  /** The bare client, as another program would use it. */
  readonly client: EventStoreDBClient
  /** One more log on the same server. */
  another(options?: Partial<EventStoreLogOptions>): Promise<EventLog>
}

/** A wire-level server, a log on it and a bare client, for the test that is running: they end with it. */
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
  onTestFinished(async () => {
    server.faults.letGo()
    await client.dispose()
    await Promise.all(logs.map((each) => each.close()))
    await server.stop()
  })
  return { server, log, client, another }
}

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
