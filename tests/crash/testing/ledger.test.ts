import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedUuid } from '../../../commands/event-id.ts'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import { createLedger } from './ledger.ts'

const TOKEN = 'token'
const sha = createHash('sha256').update(TOKEN).digest('hex').slice(0, 12)
const operation = (n: number) => ({ key: `k${n}`, writer: 'w', stream: 'project-a' })

/** The event of operation `n`, at that revision and position. */
const event = (n: number, at = n): RecordedEvent => {
  const commandId = derivedUuid('key', sha, `k${n}`)
  const actor = { kind: 'User', name: 'admin' } as const
  const metadata = { schemaVersion: 1, occurredAt: '', actor, commandId, correlationId: '', causationId: '' }
  const where = { stream: 'project-a', revision: BigInt(at), position: BigInt(at) }
  return { id: `${n}-${at}`, type: 'ProjectDeclared', data: {}, metadata, ...where }
}
const answer = (n: number) => ({
  outcome: 'configured',
  position: `${n}`,
  events: [{ stream: 'project-a', revision: `${n}`, position: `${n}`, type: 'ProjectDeclared' }],
})

/** Operations 1 and 2 were answered, 3 was not, 4 was refused. */
const ledger = () => {
  const made = createLedger(TOKEN)
  for (const n of [1, 2, 3, 4]) made.doubt(operation(n))
  for (const n of [1, 2]) made.acknowledge(operation(n), answer(n))
  made.refuse(operation(4))
  return made
}

describe('the ledger of a crash test', () => {
  it('is content with all that was acknowledged, once, with or without what had no answer', () => {
    expect(ledger().problemsOf([event(1), event(2)])).toEqual([])
    expect(ledger().problemsOf([event(1), event(2), event(3)])).toEqual([])
  })

  it.each([
    ['a lost write', [event(1)], /k2 on project-a has 0 effects/],
    ['a write elsewhere than was said', [event(1), event(2, 3)], /was acknowledged at 2; there is nothing/],
    ['a doubled write', [event(1), event(2), event(2, 3)], /k2 on project-a has 2 effects/],
    ['a doubled write without an answer', [event(1), event(2), event(3), event(3, 4)], /k3 .* has 2 effects/],
    ['an event twice', [event(1), event(2), event(2)], /stands twice/],
    ['another order', [event(2, 1), event(1, 2)], /another order/],
    ['what was refused', [event(1), event(2), event(4)], /belongs to no request/],
  ])('finds %s', (_what, events, problem) => {
    expect(ledger().problemsOf(events)).toContainEqual(expect.stringMatching(problem))
  })
})
