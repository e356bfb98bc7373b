import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../columns.ts'
import { defineKind } from '../kind.ts'

/** The kind that `docs/adding-a-kind.md` adds: what its folder in `domain/` would hold. */
export const team = defineKind({
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
