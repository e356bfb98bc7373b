import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openEmbeddedLog } from './embedded-log.ts'
import { Acknowledged } from './testing/acknowledged.ts'
import { type Program, startProgram } from './testing/program.ts'
import { makeSmallDisk } from './testing/small-disk.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const DEADLINE = { timeout: 30_000, interval: 2 }

const acknowledges = (program: Program, lines: number): Promise<void> =>
  vi.waitFor(() => expect(program.lines()).toBeGreaterThan(lines), DEADLINE)

/** Stops a process where it is. A thread that is in the middle of a write to the disk comes to its end first. */
const stop = async ({ child }: Program): Promise<void> => {
  child.kill('SIGSTOP')
  const tasks = `/proc/${child.pid}/task`
  const states = async (): Promise<string[]> => {
    const stats = (await readdir(tasks)).map((task) => readFile(join(tasks, task, 'stat'), 'utf8'))
    return (await Promise.all(stats)).map((stat) => stat.slice(stat.lastIndexOf(')') + 2).charAt(0))
  }
  await vi.waitFor(async () => expect(new Set(await states())).toEqual(new Set(['T'])), DEADLINE)
}

describe('a machine that crashes under an embedded log', { timeout: 120_000 }, () => {
  it('leaves a folder that opens elsewhere with all that was acknowledged, whatever the moment', async (context) => {
    if (process.platform !== 'linux') return context.skip('needs /proc to see that a process stands still')
    const folder = await temporaryFolder()
    const program = await startProgram('append-forever.ts', folder)
    for (const more of [30, 1, 170, 900, 5, 1100, 333, 60]) {
      await acknowledges(program, program.lines() + more)
      await stop(program)
      const copy = await temporaryFolder()
      await cp(folder, copy, { recursive: true })
      const acknowledged = new Acknowledged()
      acknowledged.add(program.output())
      program.child.kill('SIGCONT')

      const log = await openEmbeddedLog({ folder: copy })
      await acknowledged.expectIn(log)
      await log.close()
    }
  })

  it('loses nothing that was acknowledged when everything not flushed is gone, a new folder included', async (context) => {
    const disk = await makeSmallDisk().catch((error: unknown) => String(error))
    if (typeof disk === 'string') {
      const why = `needs root, loop devices, mkfs.ext4 and perl, to crash a file system: ${disk}`
      process.stdout.write(`embedded log on a file system that crashes: not tested: ${why}\n`)
      return context.skip(why)
    }
    const folder = join(disk.path, 'new', 'log')
    const acknowledged = new Acknowledged()
    for (const enough of [0, 400, 1500]) {
      const program = await startProgram('append-forever.ts', folder, 'ignore')
      await acknowledges(program, enough)
      // Flushed by nobody: it shows that the crash is one. A new file each time: ext4 flushes one that is written over.
      const witness = join(disk.path, `witness-${enough}`)
      await writeFile(witness, 'written')
      await disk.fail()
      program.child.kill('SIGKILL')
      await program.ended
      acknowledged.add(program.output())
      await disk.remount()
      expect(await readFile(witness, 'utf8').catch(() => 'no such file')).not.toBe('written')

      const log = await openEmbeddedLog({ folder })
      await acknowledged.expectIn(log)
      await log.close()
    }
  })
})
