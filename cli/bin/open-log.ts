import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import type { LogLocation } from '../../adapters/postgres/read-side.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'

/** Opens the log. The client of EventStoreDB is loaded where it is used only: it takes 130 ms and 13 MB a thread. */
export const openLog = async (at: LogLocation, options: { readonly readOnly?: boolean } = {}): Promise<EventLog> => {
  if (at.kind === 'embedded') return openEmbeddedLog({ folder: at.folder, ...options })
  const { openEventStoreLog } = await import('../../adapters/eventstore/eventstore-log.ts')
  return openEventStoreLog({ connectionString: at.connectionString })
}
