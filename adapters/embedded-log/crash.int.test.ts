import { describe, expect, it, vi } from 'vitest'
import { openEmbeddedLog } from './embedded-log.ts'
import { Acknowledged } from './testing/acknowledged.ts'
import { startProgram } from './testing/program.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

describe('a process with an embedded log', { timeout: 60_000 }, () => {
  it('loses and doubles no acknowledged append when it is killed under load, round after round', async () => {
    const folder = await temporaryFolder()
    const acknowledged = new Acknowledged()
    for (const enough of [40, 700, 1500, 2600]) {
      const { child, ended, output, lines } = await startProgram('append-forever.ts', folder)
      await vi.waitFor(() => expect(lines()).toBeGreaterThan(enough), { timeout: 20_000, interval: 2 })
      child.kill('SIGKILL')
      await ended
      acknowledged.add(output())

      const log = await openEmbeddedLog({ folder })
      await acknowledged.expectIn(log)
      await log.close()
    }
  })

  it('ends by itself once the log is closed', async () => {
    const { ended, output } = await startProgram('open-and-close.ts', await temporaryFolder())
    const code = await ended
    expect({ code, output: output() }).toEqual({ code: 0, output: 'closed\n' })
  })
})
