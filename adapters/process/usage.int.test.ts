import { spawn } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import { parseCpu, parsePsUsage, usageReader } from './usage.ts'

/** A program that keeps so many MiB, with a child that keeps a CPU busy. */
const startGroup = (mebibytes: number): number => {
  const busy = 'const end = Date.now() + 60_000; while (Date.now() < end);'
  const code = `
    const held = Buffer.alloc(${mebibytes} * 1024 * 1024, 1)
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(busy)}], { stdio: 'ignore' })
    setInterval(() => held.length, 1000)`
  const child = spawn(process.execPath, ['-e', code], { detached: true, stdio: 'ignore' })
  const pid = child.pid ?? 0
  onTestFinished(() => void process.kill(-pid, 'SIGKILL'))
  return pid
}

it('sums what a group uses: CPU time, memory and processes, its children included', async () => {
  const usage = usageReader()
  const group = startGroup(100)
  await expect
    .poll(() => usage([group]), { timeout: 20_000, interval: 250 })
    .toSatisfy((used) => used?.processes === 2 && used.memoryBytes > 100 * 2 ** 20 && used.cpuMs >= 100)
  const before = await usage([group])
  await expect
    .poll(async () => ((await usage([group]))?.cpuMs ?? 0) - (before?.cpuMs ?? 0), { timeout: 20_000, interval: 250 })
    .toBeGreaterThanOrEqual(100)
})

it('knows nothing of a group that is not there, or of none', async () => {
  const usage = usageReader()
  expect(await usage([])).toBeUndefined()
  expect(await usage([2 ** 22 + 1])).toBeUndefined()
})

it('reads CPU time with that of children that have ended, whatever the program is called', () =>
  expect(parseCpu(`42 (a) R 1 (b) S 1 41 40 0 0 0 0 0 0 0 150 50 20 5 20 0`)).toEqual({
    pid: 42,
    group: 41,
    cpuMs: 2250,
  }))

it('counts no zombie, and reads nothing out of nonsense', () => {
  expect(parseCpu(`42 (a) Z 1 41 40 ${'0 '.repeat(15)}`)).toBeUndefined()
  expect([parseCpu(''), parseCpu('1 (a) S'), parsePsUsage('x')]).toEqual([undefined, undefined, undefined])
})

it('reads the times of ps, short and long', () => {
  expect(parsePsUsage('   42    41  2048     0:01.50')).toEqual({
    pid: 42,
    group: 41,
    cpuMs: 1500,
    memoryBytes: 2 ** 21,
  })
  expect(parsePsUsage('42 41 1 00:01:02')).toMatchObject({ cpuMs: 62_000 })
  expect(parsePsUsage('42 41 1 1-01:00:00')).toMatchObject({ cpuMs: 90_000_000 })
})
