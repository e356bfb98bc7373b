/**
 * Uses the log in the folder given as hard as it can until it is killed. Every line on stdout is something that was
 * acknowledged: `appended`, `beat` (to a stream that is trimmed) or `ended` (a stream that was tombstoned), with the
 * stream and its last revision.
 */
import { randomUUID } from 'node:crypto'
import type { ExpectedRevision } from '../../../domain/kernel/event-log.ts'
import { sampleEvent, sampleEvents } from '../../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from '../embedded-log.ts'
import { KEPT_BEATS } from './kept-beats.ts'

const APPENDERS = 14

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')

const log = await openEmbeddedLog({ folder })

const tell = (what: string, stream: string, revision: bigint): void => {
  process.stdout.write(`${what} ${stream} ${revision}\n`)
}

const append = async (): Promise<void> => {
  const stream = `crash-${randomUUID()}`
  let expected: ExpectedRevision = 'none'
  for (let n = 0; ; n += 1) {
    const { revision } = await log.append(stream, [sampleEvent({ n, pad: 'x'.repeat(500) })], expected)
    tell('appended', stream, revision)
    expected = revision
  }
}

const beat = async (): Promise<void> => {
  const stream = `beat-${randomUUID()}`
  await log.setRetention(stream, { maxCount: KEPT_BEATS })
  let expected: ExpectedRevision = 'none'
  for (let n = 0; ; n += 1) {
    const { revision } = await log.append(stream, [sampleEvent({ n })], expected)
    tell('beat', stream, revision)
    expected = revision
  }
}

const end = async (): Promise<void> => {
  for (;;) {
    const stream = `ended-${randomUUID()}`
    const { revision } = await log.append(stream, sampleEvents(3), 'none')
    await log.tombstone(stream)
    tell('ended', stream, revision)
  }
}

await Promise.all([...Array.from({ length: APPENDERS }, append), beat(), end()])
