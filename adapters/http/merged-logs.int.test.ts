import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../domain/kernel/logger.ts'
import { openInstanceLogs, type ProcessLogs } from '../process/instance-logs.ts'
import { confluence } from './confluence.ts'
import { type InstanceLine, mergedLogs, newest } from './merged-logs.ts'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

let folder: string
let logs: ProcessLogs
let time: number
let leaving: AbortController
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-merged-'))
  time = Date.parse('2026-01-01T00:00:00Z')
  logs = openInstanceLogs({ folder, logger: silent, now: () => time })
  leaving = new AbortController()
})
afterEach(async () => {
  leaving.abort()
  await logs.close()
  await rm(folder, { recursive: true, force: true })
})

const print = (instance: string, line: string): void => {
  time += 1
  logs.of(instance).append('stderr', line)
}
const text = ({ instance, line }: InstanceLine): string => `${instance}: ${line}`

/** Takes so many lines, in the order in which they come. */
const take = async (lines: AsyncGenerator<InstanceLine>, count: number): Promise<readonly string[]> => {
  const taken: string[] = []
  while (taken.length < count) {
    const next = await lines.next()
    if (next.done === true) throw new Error(`it ended after ${taken.length} lines: ${taken.join('; ')}`)
    taken.push(text(next.value))
  }
  return taken
}

/** Names that a test gives one after the other. */
const openArrivals = () => {
  const waiting: string[] = []
  let over = false
  let wake = (): void => {}
  return {
    come(name: string): void {
      waiting.push(name)
      wake()
    },
    end(): void {
      over = true
      wake()
    },
    async *names(): AsyncGenerator<string> {
      for (;;) {
        yield* waiting.splice(0)
        if (over) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

describe('the logs of several instances', () => {
  it('are one log by time', async () => {
    print('a-1', 'one')
    print('a-2', 'two')
    print('a-1', 'three')
    const { signal } = leaving
    const lines = mergedLogs(logs, { instances: ['a-1', 'a-2', 'a-3'], signal })
    expect(await take(lines, 3)).toEqual(['a-1: one', 'a-2: two', 'a-1: three'])
    expect((await lines.next()).done).toBe(true)
  })

  it('go on with new lines, those of instances that come later from their first', async () => {
    print('a-1', 'old')
    print('a-2', 'older')
    const { signal } = leaving
    const arrivals = openArrivals()
    const lines = mergedLogs(logs, {
      instances: ['a-1', 'a-2'],
      follow: true,
      tail: 1,
      signal,
      arrivals: arrivals.names(),
    })
    expect(await take(lines, 2)).toEqual(['a-1: old', 'a-2: older'])
    print('a-2', 'new')
    expect(await take(lines, 1)).toEqual(['a-2: new'])
    print('a-3', 'first')
    print('a-3', 'second')
    arrivals.come('a-3')
    expect(await take(lines, 2)).toEqual(['a-3: first', 'a-3: second'])
    await logs.remove('a-1')
    print('a-3', 'third')
    expect(await take(lines, 1)).toEqual(['a-3: third'])
    arrivals.end()
    await Promise.all([logs.remove('a-2'), logs.remove('a-3')])
    expect((await lines.next()).done).toBe(true)
  })

  it('end when the client leaves', async () => {
    print('a-1', 'one')
    const lines = mergedLogs(logs, { instances: ['a-1', 'a-2'], follow: true, signal: leaving.signal })
    await take(lines, 1)
    const next = lines.next()
    leaving.abort()
    expect((await next).done).toBe(true)
  })

  it('are cut to the newest lines where they are too much to be sorted', () => {
    const lines = ['x'.repeat(300), 'y'.repeat(300), 'z'.repeat(300)].map((line, i) => ({
      instance: 'a-1',
      at: `${i}`,
      source: 'stderr' as const,
      line,
    }))
    expect(newest(lines, 2000)).toBe(lines)
    const [note, ...left] = newest(lines, 1000)
    expect(left).toEqual(lines.slice(1))
    expect(note).toMatchObject({ source: 'mcpd', at: '1', line: expect.stringContaining('1 older lines left out') })
  })
})

describe('a confluence', () => {
  it('is not held up by a source that has nothing to say', async () => {
    const flow = confluence<number>(leaving.signal)
    flow.add(
      (async function* () {
        await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve))
        yield 0
      })(),
    )
    flow.add(
      (async function* () {
        for (let i = 1; i <= 1000; i += 1) yield i
      })(),
    )
    let sum = 0
    for await (const item of flow.items()) {
      sum += item
      if (item === 1000) break
    }
    expect(sum).toBe(500_500)
  })

  it('throws what a source throws', async () => {
    const flow = confluence<number>(leaving.signal)
    flow.add(
      // biome-ignore lint/correctness/useYield: it only fails
      (async function* () {
        throw new Error('the disk is gone')
      })(),
    )
    await expect(flow.items().next()).rejects.toThrow('the disk is gone')
  })
})
