import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { allProcesses, findProcess, parsePs, parseStat, ticksNow, workingFolder } from './process-table.ts'

it('reads a process whose name contains parentheses and spaces', () => {
  const text = `42 (a) R 1 (b) S 1 41 40 ${'0 '.repeat(15)}777 0 0`
  expect(parseStat(text)).toEqual({ pid: 42, group: 41, session: 40, zombie: false, start: '777' })
})

it('tells a zombie', () => expect(parseStat(`42 (a) Z 1 41 40 ${'0 '.repeat(15)}777`)).toMatchObject({ zombie: true }))

it('reads nothing out of nonsense', () => expect([parseStat(''), parseStat('1 (a')]).toEqual([undefined, undefined]))

it('reads the output of ps', () =>
  expect(parsePs('  1   1 Ss   Sat Nov 21 11:03:00 2026\n 42  41 Z+   Sat Nov 21 11:04:00 2026\n')).toEqual([
    { pid: 1, group: 1, session: 0, zombie: false, start: 'Sat Nov 21 11:03:00 2026' },
    { pid: 42, group: 41, session: 0, zombie: true, start: 'Sat Nov 21 11:04:00 2026' },
  ]))

it('finds a process that leads its group, where it works and when it started', () => {
  const before = ticksNow() ?? 0
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore', cwd: '/tmp' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const row = findProcess(pid)
  expect(row).toMatchObject({ pid, group: pid, session: pid, zombie: false })
  // The kernel rounds a start time and the uptime apart: they may differ by a tick.
  expect(Number(row?.start)).toBeGreaterThanOrEqual(before - 1)
  expect(Number(row?.start)).toBeLessThanOrEqual((ticksNow() ?? 0) + 1)
  expect(allProcesses()).toContainEqual(row)
  expect(workingFolder(pid)).toBe(realpathSync('/tmp'))
})
