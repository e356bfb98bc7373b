import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventLogContract } from '../event-log-contract/contract.ts'
import { openEmbeddedLog } from './embedded-log.ts'

process.stdout.write('event log contract: runs on the embedded log\n')

eventLogContract('embedded log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-log-'))
  const log = await openEmbeddedLog({ folder })
  return {
    log,
    reopen: () => openEmbeddedLog({ folder }),
    async close() {
      await log.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
