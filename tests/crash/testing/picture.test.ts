import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import { kinds } from '../../../domain/registry.ts'
import { eventsOf } from './fill-log.ts'
import { differences, type Picture } from './picture.ts'

const uid = randomUUID()
const spec = (description: string) => ({ description, servers: [], namespacing: 'always' })
const events: readonly RecordedEvent[] = eventsOf('project-a', [
  { type: 'ProjectDeclared', data: { uid, labels: {}, spec: spec('one') } },
  { type: 'ProjectDeclared', data: { uid, labels: {}, spec: spec('two') } },
]).map((event, i) => ({ ...event, stream: 'project-a', revision: BigInt(i), position: BigInt(i) }))

const row = { metadata: { name: 'a', uid, labels: {}, revision: '1' }, spec: spec('two'), status: {} }
const revision = (n: number, text: string) =>
  ({ revision: `${n}`, position: `${n}`, type: 'ProjectDeclared', labels: {}, spec: spec(text) }) as const
const history = [revision(1, 'two'), revision(0, 'one')]

const picture = (projects: readonly (typeof row)[], revisions = history, asOf = '1'): Picture => ({
  lists: new Map(kinds.map(({ plural }) => [plural, { asOf, items: plural === 'projects' ? [...projects] : [] }])),
  histories: new Map([['projects/a', { asOf, items: revisions }]]),
})

describe('a picture of the read models', () => {
  it('that is what the log says differs in nothing', () => {
    expect(differences(picture([row]), events)).toEqual([])
  })

  it.each([
    ['without a row', picture([])],
    ['with an old row', picture([{ ...row, metadata: { ...row.metadata, revision: '0' }, spec: spec('one') }])],
    ['with a row too many', picture([row, { ...row, metadata: { ...row.metadata, name: 'b' } }])],
    ['with a reference that nobody holds', picture([{ ...row, status: { usedBy: ['project/x'] } }])],
    ['without a revision', picture([row], history.slice(0, 1))],
    ['that is ahead of its position', picture([row], history, '0')],
  ])('%s differs', (_what, wrong) => {
    expect(differences(wrong, events)).not.toEqual([])
  })
})
