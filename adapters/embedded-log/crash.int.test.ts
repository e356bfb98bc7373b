import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { collect } from '../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const start = (program: string, folder: string): { child: ChildProcess; output(): string; lines(): number } => {
  const file = fileURLToPath(new URL(`./testing/${program}`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let lines = 0
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    lines += text.split('\n').length - 1
  })
  return { child, output: () => output, lines: () => lines }
}

describe('a process with an embedded log', { timeout: 60_000 }, () => {
  it('loses and doubles no acknowledged append when it is killed under load, round after round', async () => {
    const folder = await temporaryFolder()
    const acknowledged = new Map<string, number>()
    for (const enough of [40, 700, 1500, 2600]) {
      const { child, output, lines } = start('append-forever.ts', folder)
      await vi.waitFor(() => expect(lines()).toBeGreaterThan(enough), { timeout: 20_000, interval: 2 })
      child.kill('SIGKILL')
      await once(child, 'close')
      // The last line may have been cut off.
      for (const line of output().split('\n').slice(0, -1)) {
        const [stream = '', revision] = line.split(' ')
        acknowledged.set(stream, Number(revision))
      }

      const log = await openEmbeddedLog({ folder })
      for (const [stream, revision] of acknowledged) {
        const events = await collect(log.readStream(stream))
        expect(events.length).toBeGreaterThan(revision)
        expect(events.map((event) => event.data.n)).toEqual(events.map((_, index) => index))
        expect(events.map((event) => Number(event.revision))).toEqual(events.map((_, index) => index))
      }
      const all = await collect(log.readAll())
      expect(new Set(all.map((event) => event.id)).size).toBe(all.length)
      await log.close()
    }
  })

  it('ends by itself once the log is closed', async () => {
    const { child, output } = start('open-and-close.ts', await temporaryFolder())
    const [code] = await once(child, 'close')
    expect({ code, output: output() }).toEqual({ code: 0, output: 'closed\n' })
  })
})
