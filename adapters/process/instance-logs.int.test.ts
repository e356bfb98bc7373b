import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LogLine, ReadLogOptions } from '../../domain/instance/runtime.ts'
import { MAX_FOLLOW_QUEUE } from './follower.ts'
import { openInstanceLogs, type ProcessLogs } from './instance-logs.ts'
import { LOG_FILE_BYTES, LOG_FILES } from './log-files.ts'
import { MAX_LOG_LINE } from './log-lines.ts'
import { silent } from './logger.ts'
import { scratchFolder } from './testing/scratch.ts'

const openLogs = (folder: string): ProcessLogs => {
  let time = Date.parse('2026-01-01T00:00:00Z')
  const logs = openInstanceLogs({ folder, logger: silent, now: () => (time += 1_000) })
  onTestFinished(() => logs.close())
  return logs
}
const setUp = async () => {
  const folder = await scratchFolder()
  return { folder, logs: openLogs(folder) }
}
const rows = async (lines: AsyncIterable<LogLine>): Promise<LogLine[]> => {
  const all: LogLine[] = []
  for await (const line of lines) all.push(line)
  return all
}
const collect = async (lines: AsyncIterable<LogLine>) => (await rows(lines)).map(({ line }) => line)
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

describe('the log of an instance', () => {
  it('gives back each line with its time and source', async () => {
    const { logs } = await setUp()
    logs.of('a').append('stderr', 'first line')
    logs.of('a').append('mcpd', '')
    expect(await rows(logs.read('a'))).toEqual([
      { at: '2026-01-01T00:00:01.000Z', source: 'stderr', line: 'first line' },
      { at: '2026-01-01T00:00:02.000Z', source: 'mcpd', line: '' },
    ])
  })

  it('is empty for an instance without one, and for what is no name', async () => {
    const { logs } = await setUp()
    for (const name of ['nobody', '../a', '', '.', 'a/b', 'A']) expect(await collect(logs.read(name))).toEqual([])
  })

  it('never takes a path for a name', async () => {
    const { logs } = await setUp()
    expect(() => logs.of('../a')).toThrow('Not a name')
  })

  it('keeps the run before the last start as previous', async () => {
    const { logs } = await setUp()
    for (const run of ['one', 'two', 'three']) {
      await logs.of('a').startRun()
      logs.of('a').append('stderr', run)
    }
    expect(await collect(logs.read('a'))).toEqual(['three'])
    expect(await collect(logs.read('a', { previous: true }))).toEqual(['two'])
  })

  it('begins a run with the first session, and none with the sessions beside it, until it is removed', async () => {
    const { logs } = await setUp()
    expect(await logs.of('a').startRun('s1')).toBe(true)
    logs.of('a').append('stderr', 'one')
    expect(await logs.of('a').startRun('s2')).toBe(false)
    expect(await collect(logs.read('a'))).toEqual(['one'])
    await logs.remove('a')
    expect(await logs.of('a').startRun('s3')).toBe(true)
  })

  it.each<[string, ReadLogOptions, string[]]>([
    ['the newest lines', { tail: 2 }, ['line 8', 'line 9']],
    ['no line', { tail: 0 }, []],
    ['all when there are fewer', { tail: 99 }, numbers(0, 10)],
    ['lines since a time', { since: '2026-01-01T00:00:09Z' }, ['line 8', 'line 9']],
    ['the newest since a time', { since: '2026-01-01T00:00:05Z', tail: 1 }, ['line 9']],
  ])('reads %s', async (_, options, expected) => {
    const { logs } = await setUp()
    for (const line of numbers(0, 10)) logs.of('a').append('stderr', line)
    expect(await collect(logs.read('a', options))).toEqual(expected)
  })

  it('is still there when mcpd starts again', async () => {
    const { logs, folder } = await setUp()
    logs.of('a').append('stderr', 'before')
    await logs.close()
    expect(await collect(openLogs(folder).read('a'))).toEqual(['before'])
  })

  it('skips half a line that a kill has left and goes on behind it', async () => {
    const { logs, folder } = await setUp()
    logs.of('a').append('stderr', 'whole')
    await logs.close()
    await writeFile(join(folder, 'a', 'current.0.log'), '2026-01-01T00', { flag: 'a' })
    const again = openLogs(folder)
    again.of('a').append('stderr', 'after')
    expect(await collect(again.read('a'))).toEqual(['whole', 'after'])
  })

  it('cuts a long line and says how much is missing', async () => {
    const { logs } = await setUp()
    logs.of('a').append('stderr', 'x'.repeat(MAX_LOG_LINE + 5))
    expect(await collect(logs.read('a'))).toEqual([`${'x'.repeat(MAX_LOG_LINE)} [cut: 5 more characters]`])
  })

  it('keeps a bounded number of bounded files, whatever is written, and says what is left out', async () => {
    const { logs, folder } = await setUp()
    const line = 'x'.repeat(1_000)
    for (let i = 0; i < 100_000; i++) logs.of('a').append('stderr', line)
    const mcpd = 'y'.repeat(1_000)
    // Without a limit on the rate; a burst of 1 MiB each time keeps one write below the size of a file.
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 1_000; j++) logs.of('a').append('mcpd', mcpd)
      await collect(logs.read('a', { tail: 1 }))
    }
    const lines = await collect(logs.read('a'))
    const names = await readdir(join(folder, 'a'))
    expect(names.length).toBeLessThanOrEqual(LOG_FILES)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, 'a', name))).size))
    expect(Math.max(...sizes)).toBeLessThan(3 * LOG_FILE_BYTES)
    expect(lines.at(-1)).toBe(mcpd)
    expect(lines.length).toBeLessThan(10_000)
  })

  it('counts the lines of a flood that it left out', async () => {
    const { logs } = await setUp()
    for (let i = 0; i < 3_000; i++) logs.of('a').append('stderr', 'x'.repeat(1_000))
    logs.of('a').append('mcpd', 'the program has ended')
    const lines = await collect(logs.read('a'))
    const kept = lines.filter((line) => line.startsWith('x')).length
    expect(lines.at(-2)).toBe(`[${3_000 - kept} lines left out: too many at once, or the disk did not take them]`)
    expect(lines.at(-1)).toBe('the program has ended')
  })

  it('counts what the disk did not take, and heals when it does', async () => {
    const { logs, folder } = await setUp()
    await writeFile(join(folder, 'a'), 'a file where the folder should be')
    for (const line of numbers(0, 30)) {
      logs.of('a').append('stderr', line)
      await new Promise(setImmediate)
    }
    await expect(collect(logs.read('a'))).resolves.toEqual([])
    await rm(join(folder, 'a'))
    logs.of('a').append('stderr', 'after')
    expect(await collect(logs.read('a'))).toEqual([
      '[30 lines left out: too many at once, or the disk did not take them]',
      'after',
    ])
  })

  it('is followed without a gap and without a repeat, over a new run, until the reader gives up', async () => {
    const { logs } = await setUp()
    const log = logs.of('a')
    const stop = new AbortController()
    const seen: string[] = []
    for (const line of numbers(0, 100)) log.append('stderr', line)
    const reading = (async () => {
      for await (const { line } of logs.read('a', { follow: true, signal: stop.signal })) seen.push(line)
    })()
    for (const line of numbers(100, 200)) {
      log.append('stderr', line)
      if (line.endsWith('0')) await new Promise(setImmediate)
    }
    await log.startRun()
    for (const line of numbers(200, 210)) log.append('stderr', line)
    await vi.waitFor(() => expect(seen).toHaveLength(210))
    expect(seen).toEqual(numbers(0, 210))
    stop.abort()
    await reading
  })

  it('tells a slow follower how many lines it missed', async () => {
    const { logs } = await setUp()
    const stop = new AbortController()
    const lines = logs.read('a', { follow: true, signal: stop.signal })[Symbol.asyncIterator]()
    const first = lines.next()
    await collect(logs.read('a', { follow: false }))
    for (let i = 0; i < MAX_FOLLOW_QUEUE + 7; i++) logs.of('a').append('mcpd', 'x')
    await first
    // The first line woke the reader, which took what waited then; everything after that waits for us.
    for (let i = 0; i < MAX_FOLLOW_QUEUE + 7; i++) logs.of('a').append('mcpd', 'y')
    await collect(logs.read('a', { tail: 1 }))
    const texts: string[] = []
    while (!texts.at(-1)?.startsWith('[')) texts.push((await lines.next()).value?.line)
    expect(texts.at(-1)).toBe('[7 lines missed by a slow reader]')
    stop.abort()
    await lines.return?.()
  })

  it('ends for its followers when it is removed, and is gone', async () => {
    const { logs, folder } = await setUp()
    logs.of('a').append('stderr', 'one')
    const following = logs.read('a', { follow: true })[Symbol.asyncIterator]()
    expect((await following.next()).value).toMatchObject({ line: 'one' })
    await logs.remove('a')
    expect((await following.next()).done).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })
})
