import { eventLogContract } from '../event-log-contract/contract.ts'
import { openEventStoreLog } from './eventstore-log.ts'
import { startWireServer } from './testing/wire-server.ts'

eventLogContract('EventStoreDB client, wire-level server', async () => {
  const server = await startWireServer()
  const open = () => openEventStoreLog({ connectionString: server.connectionString })
  const log = await open()
  return {
    log,
    reopen: open,
    close: async () => {
      await log.close()
      await server.stop()
    },
  }
})
