import { describe, expect, it } from 'vitest'
import { catalogOf } from '../domain/catalog.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { record } from '../domain/kernel/testing/given.ts'
import { team } from '../domain/kernel/testing/made-up-kind.ts'
import { kinds } from '../domain/registry.ts'

// The line in domain/registry.ts.
const all = [team, ...kinds]

describe('a kind that is added', () => {
  it('is found by all its names and stands after what it refers to', () => {
    const registry = createRegistry(all)
    expect(['team', 'teams', 'tm', 'TEAM'].map((name) => registry.find(name)?.kind)).toEqual(Array(4).fill('team'))
    const order = registry.kinds.map(({ kind }) => kind)
    expect(order.indexOf('team')).toBeGreaterThan(order.indexOf('secretbackend'))
  })

  it('has events in the catalogue', () => {
    const catalog = catalogOf(all)
    expect(catalog.types.has('TeamDeclared') && catalog.types.has('TeamDeleted')).toBe(true)
    expect(catalog.types.get('ReferenceTaken')?.categories).toContain('team')
  })

  it('has a row', () => {
    const [declared] = record(
      [{ type: 'TeamDeclared', data: { uid: 'u', spec: { members: ['ada'] }, labels: {} } }],
      'team-core',
    )
    expect(declared && team.fold(undefined, declared)).toMatchObject({
      kind: 'team',
      name: 'core',
      spec: { members: ['ada'] },
    })
  })
})
