/**
 * Appends to the log in the folder given, from several streams at once, until it is killed. Every line on stdout is an
 * append that was acknowledged: stream, revision, number.
 */
import { randomUUID } from 'node:crypto'
import type { ExpectedRevision } from '../../../domain/kernel/event-log.ts'
import { sampleEvent } from '../../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from '../embedded-log.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')

const log = await openEmbeddedLog({ folder })
const client = async (): Promise<void> => {
  const stream = `crash-${randomUUID()}`
  let expected: ExpectedRevision = 'none'
  for (let n = 0; ; n += 1) {
    const { revision } = await log.append(stream, [sampleEvent({ n, pad: 'x'.repeat(500) })], expected)
    process.stdout.write(`${stream} ${revision} ${n}\n`)
    expected = revision
  }
}
await Promise.all(Array.from({ length: 16 }, client))
