import { afterAll, beforeAll, describe } from 'vitest'
import { appendingContract } from './appending.ts'
import { closingContract } from './closing.ts'
import { idempotencyContract } from './idempotency.ts'
import type { LogUnderTest } from './log-under-test.ts'
import { readingAllContract } from './reading-all.ts'
import { readingStreamsContract } from './reading-streams.ts'
import { removingContract } from './removing.ts'
import { subscribingContract } from './subscribing.ts'
import { validationContract } from './validation.ts'

export type { LogUnderTest } from './log-under-test.ts'

/**
 * What every EventLog must do, as a suite over the port alone. `open` is called once; other programs may use the same
 * server meanwhile.
 *
 * @example
 * eventLogContract('embedded log', async () => {
 *   const log = await openEmbeddedLog({ folder })
 *   return { log, reopen: () => openEmbeddedLog({ folder }), close: () => log.close() }
 * })
 */
export const eventLogContract = (name: string, open: () => Promise<LogUnderTest>): void => {
  describe(`${name}: the contract of an event log`, { timeout: 30_000 }, () => {
    let underTest: LogUnderTest | undefined
    beforeAll(async () => {
      underTest = await open()
    }, 60_000)
    afterAll(async () => {
      await underTest?.close()
    }, 60_000)
    const subject = (): LogUnderTest => {
      if (underTest === undefined) throw new Error('the log did not open')
      return underTest
    }

    appendingContract(subject)
    idempotencyContract(subject)
    validationContract(subject)
    readingStreamsContract(subject)
    readingAllContract(subject)
    subscribingContract(subject)
    removingContract(subject)
    closingContract(subject, open)
  })
}
