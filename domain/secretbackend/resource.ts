import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../kernel/columns.ts'
import { touch } from '../kernel/declared.ts'
import { defineKind } from '../kernel/kind.ts'

export const secretbackend = defineKind({
  kind: 'secretbackend',
  plural: 'secretbackends',
  shortNames: ['sb', 'backend'],
  eventPrefix: 'SecretBackend',
  summary: 'A place where secret values are kept',
  spec: z.strictObject({
    type: z
      .enum(['encrypted', 'plaintext'])
      .describe('encrypted: AES-256-GCM, a data key a secret. plaintext: an older name, stored exactly like encrypted'),
    description: z.string().max(1000).optional(),
  }),
  observes: ({ type, data }) =>
    type === 'DefaultSecretBackendChosen' ? [data.name, data.previous].filter((name) => typeof name === 'string') : [],
  status: (row, event) =>
    row !== undefined && event.type === 'DefaultSecretBackendChosen'
      ? touch(row, event, { default: event.data.name === row.name })
      : row,
  columns: [
    nameColumn,
    field('TYPE', 'spec.type'),
    { header: 'DEFAULT', value: ({ status }) => (status?.default === true ? '*' : '') },
    ageColumn,
    field('DESCRIPTION', 'spec.description', { wide: true }),
  ],
  example: { type: 'encrypted', description: 'kept in the event log, under a key that is not' },
})
