import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { catalogOf } from '../domain/catalog.ts'
import { ageColumn, field, nameColumn } from '../domain/kernel/columns.ts'
import { defineKind } from '../domain/kernel/kind.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { record } from '../domain/kernel/testing/given.ts'
import { kinds } from '../domain/registry.ts'

// What the folder domain/team/ would hold …
const team = defineKind({
  kind: 'team',
  plural: 'teams',
  shortNames: ['tm'],
  eventPrefix: 'Team',
  summary: 'A named group of people',
  spec: z.strictObject({ members: z.array(z.string().min(1)).max(100).default([]), backend: z.string().optional() }),
  refersTo: ['secretbackend'],
  references: (spec) => (typeof spec.backend === 'string' ? [{ kind: 'secretbackend', name: spec.backend }] : []),
  columns: [nameColumn, field('MEMBERS', 'spec.members'), ageColumn],
  example: { members: ['ada', 'grace'] },
})
// … and the line in domain/registry.ts.
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
