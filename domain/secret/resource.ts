import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../kernel/columns.ts'
import type { JsonObject } from '../kernel/json.ts'
import { defineKind } from '../kernel/kind.ts'
import { resourceName } from '../kernel/name.ts'

/** Largest value of one key, in bytes of UTF-8; all of a secret's values have to fit one event. */
export const MAX_SECRET_VALUE_BYTES = 128 * 1024

export const secretKeyName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/,
    'must be 1 to 128 letters, digits, "_", "-" or ".", not beginning with a digit',
  )
  // A record with such a key would set a prototype instead of a value.
  .refine((key) => key !== '__proto__' && key !== 'constructor', 'is reserved')

/** What users write. `null` keeps the value that is there: it is what reading a secret shows. */
export const secretSpec = z.strictObject({
  backend: resourceName.optional().describe('The default backend if left out'),
  data: z
    .record(secretKeyName, z.string().nullable())
    .describe('Values by key. null keeps the present value, which is never shown'),
})

/** AES-256-GCM under the secret's own data key; the key's name and the secret's uid are authenticated with it. Base64. */
export const sealedValue = z.strictObject({ nonce: z.string(), ciphertext: z.string(), tag: z.string() })
export type SealedValue = z.output<typeof sealedValue>

/** What `SecretDeclared` holds. */
export const storedSecretSpec = z.strictObject({ backend: resourceName, data: z.record(secretKeyName, sealedValue) })
export type StoredSecretSpec = z.output<typeof storedSecretSpec>

const keysOf = (spec: JsonObject): readonly string[] => Object.keys((spec.data ?? {}) as JsonObject).sort()

export const secret = defineKind({
  kind: 'secret',
  plural: 'secrets',
  shortNames: ['sec'],
  eventPrefix: 'Secret',
  summary: 'Named values that servers are given and nobody is shown',
  spec: secretSpec,
  stored: storedSecretSpec,
  refersTo: ['secretbackend'],
  references: (spec) => (typeof spec.backend === 'string' ? [{ kind: 'secretbackend', name: spec.backend }] : []),
  present: (spec) => ({ ...spec, data: Object.fromEntries(keysOf(spec).map((key) => [key, null])) }),
  columns: [
    nameColumn,
    field('BACKEND', 'spec.backend'),
    { header: 'KEYS', value: ({ spec }) => keysOf(spec).join(',') },
    ageColumn,
  ],
  example: { data: { API_KEY: 'the value; use --from-file or --from-stdin to keep it out of your shell history' } },
})
