import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { DomainEvent } from '../../domain/kernel/event.ts'
import { seeded } from '../testing/seeded.ts'
import { eventsOf, fillLog } from './testing/fill-log.ts'
import { readLog } from './testing/replay.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { openTrial, someMoment } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(3)
/** Starts after which all that was deleted must be gone. */
const MORE_STARTS = 20
const LATEST_MS = 700
const STREAMS = 60
const EVENTS = 400

const streamOf = (i: number): string => `accesstoken-${createHash('sha256').update(`${i}`).digest('hex')}`
const isDeleted = (i: number): boolean => i % 2 === 0
const revoked: DomainEvent = {
  type: 'AccessTokenRevoked',
  data: { reason: 'x'.repeat(500), revokedAt: '2026-01-01T00:00:00.000Z' },
}

/** How many events of each stream are stored. */
const stored = async (folder: string): Promise<readonly number[]> => {
  const counts = new Map<string, number>()
  for (const { stream } of await readLog(folder)) counts.set(stream, (counts.get(stream) ?? 0) + 1)
  return Array.from({ length: STREAMS }, (_, i) => counts.get(streamOf(i)) ?? 0)
}

describe(`mcpd that is killed while its log removes deleted streams (seed ${seed})`, {
  timeout: deadline(ROUNDS),
}, () => {
  it(`goes on with it, and touches nothing else, over ${ROUNDS} kills`, () =>
    inTrialFolder('compaction', async (folder) => {
      const random = seeded(`${seed}/compaction`)
      await fillLog(folder, async (log) => {
        const events = Array.from({ length: EVENTS }, () => revoked)
        for (let i = 0; i < STREAMS; i++) await log.append(streamOf(i), eventsOf(streamOf(i), events), 'none')
        // Closed before they are removed: that is left to the next start.
        for (let i = 0; i < STREAMS; i++) if (isDeleted(i)) await log.deleteStream(streamOf(i))
      })
      let before = await stored(folder)
      expect(before.some((count, i) => isDeleted(i) && count > 0)).toBe(true)
      const expectLess = async (): Promise<number> => {
        const now = await stored(folder)
        expect(now.filter((_, i) => !isDeleted(i))).toEqual(Array(STREAMS / 2).fill(EVENTS))
        for (const [i, count] of now.entries()) expect(count).toBeLessThanOrEqual(before[i] ?? 0)
        before = now
        return now.reduce((sum, count, i) => (isDeleted(i) ? sum + count : sum), 0)
      }
      const trial = await openTrial({ folder, random })
      await trial.kill()
      for (let round = 0; round < ROUNDS; round++) {
        await expectLess()
        await trial.stumble(random.int(LATEST_MS))
        await expectLess()
        await trial.start()
        await trial.killUnderLoad(someMoment(random, 20))
      }
      for (let starts = 0; (await expectLess()) > 0; starts++) {
        expect(starts).toBeLessThan(MORE_STARTS)
        await trial.start()
        await trial.killUnderLoad(someMoment(random, 20))
      }
    }))
})
