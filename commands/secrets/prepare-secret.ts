import type { z } from 'zod'
import { coded, type FieldError, isError } from '../../domain/kernel/errors.ts'
import { MAX_EVENT_BYTES } from '../../domain/kernel/event-log.ts'
import type { DataKey, Keyring } from '../../domain/secret/keyring.ts'
import { secretUnreadable } from '../../domain/secret/keyring-errors.ts'
import {
  MAX_SECRET_VALUE_BYTES,
  type SealedValue,
  type StoredSecretSpec,
  type secretSpec,
} from '../../domain/secret/resource.ts'

/** What a user wrote, parsed. */
export type SecretSpec = z.output<typeof secretSpec>

/** A secret as its stream has it. */
export interface StoredSecret {
  readonly uid: string
  readonly spec: StoredSecretSpec
}

/** The same with its backend, and known to be one that a secret can hold. */
export type CompleteSecretSpec = SecretSpec & { readonly backend: string }

export interface SealSecret {
  readonly spec: CompleteSecretSpec
  /** What is there now; undefined when the secret is new. */
  readonly present: StoredSecret | undefined
  /** The uid of a new secret. */
  readonly newUid: string
  /** Nothing is kept: values are sealed so that nobody can open them. */
  readonly dryRun?: boolean
}

/** Room in the event for labels and metadata, in bytes of JSON. */
const REST_OF_EVENT_BYTES = 48 * 1024
/** Largest stored spec of a secret, in bytes of JSON. */
export const MAX_STORED_SECRET_BYTES = MAX_EVENT_BYTES - REST_OF_EVENT_BYTES

/** 422: a `null` keeps what is there, and nothing is. */
export const secretValueMissing = coded(
  'secret-value-missing',
  422,
  'A secret is to keep a value that it does not have',
  (fields: readonly FieldError[]) => ({
    message: `${fields.map(({ path }) => path).join(', ')}: null keeps the present value, and there is none`,
    hint: 'Give the value, or leave the key out',
    fields,
  }),
)

/** 422: a value no secret can hold. */
export const secretValueInvalid = coded(
  'secret-value-invalid',
  422,
  'A value that a secret cannot hold',
  (fields: readonly FieldError[]) => ({
    message: fields.map(({ path, message }) => `${path} ${message}`).join('; '),
    hint: 'Values are text of at most 128 KiB; put binary data in as base64',
    fields,
  }),
)

/** 422: all values together have to fit one event. */
export const secretTooLarge = coded(
  'secret-too-large',
  422,
  'The values of a secret are too large together',
  (bytes: number) => ({
    message: `the values of the secret need ${bytes} bytes, the limit is ${MAX_STORED_SECRET_BYTES}`,
    hint: 'Split it into several secrets',
    fields: [{ path: 'spec.data', message: `is too large by ${bytes - MAX_STORED_SECRET_BYTES} bytes` }],
  }),
)

/**
 * Refuses what a secret cannot hold, and says where it is kept: the same backend as before for a spec that names none,
 * since a new default is for new secrets.
 *
 * @param defaultBackend where new secrets go whose spec names no backend
 * @throws SecretValueMissing, SecretValueInvalid, SecretTooLarge
 */
export const completeSecret = (
  spec: SecretSpec,
  present: StoredSecretSpec | undefined,
  defaultBackend: string,
): CompleteSecretSpec => {
  assertValues(spec, new Map(Object.entries(present?.data ?? {})))
  return { ...spec, backend: spec.backend ?? present?.backend ?? defaultBackend }
}

/**
 * What to declare for a secret that a user wrote: `null` keeps the present sealed value, a value that has not changed keeps
 * its ciphertext (so that `apply` finds nothing to do), all others are sealed. The answer is right for `present` only.
 *
 * @throws what the keyring throws
 */
export const sealSecret = async (keyring: Keyring, request: SealSecret): Promise<StoredSecret> => {
  const { spec, present } = request
  const kept = new Map(Object.entries(present?.spec.data ?? {}))
  const uid = present?.uid ?? request.newUid
  const key = await keyFor(keyring, request, uid)
  const data = Object.entries(spec.data).map(([name, value]) => [name, sealed(key, name, value, kept.get(name))])
  return { uid, spec: { backend: spec.backend, data: Object.fromEntries(data) } }
}

const keyFor = async (keyring: Keyring, { spec, present, dryRun }: SealSecret, uid: string): Promise<DataKey> => {
  if (present === undefined) return dryRun === true ? keyring.ephemeral(uid) : keyring.create(uid)
  const onlyKept = Object.values(spec.data).every((value) => value === null)
  // Labels of a secret can be changed, and keys dropped, even when its data key is lost.
  return onlyKept ? keyring.ephemeral(uid) : keyring.open(uid)
}

const sealed = (key: DataKey, name: string, value: string | null, kept: SealedValue | undefined): SealedValue => {
  if (kept !== undefined && (value === null || holds(key, name, kept, value))) return kept
  return key.seal(name, value ?? '') // never null here: that was refused as missing
}

/** A damaged value is mended by writing it again. */
const holds = (key: DataKey, name: string, kept: SealedValue, value: string): boolean => {
  try {
    return key.holds(name, kept, value)
  } catch (error) {
    if (isError(error, secretUnreadable)) return false
    throw error
  }
}

const assertValues = (spec: SecretSpec, kept: ReadonlyMap<string, SealedValue>): void => {
  const missing: FieldError[] = []
  const invalid: FieldError[] = []
  let bytes = 0
  for (const [name, value] of Object.entries(spec.data)) {
    const path = `spec.data.${name}`
    const present = kept.get(name)
    if (value === null && present === undefined) missing.push({ path, message: 'there is no present value to keep' })
    const problem = value === null ? undefined : problemOf(value)
    if (problem !== undefined) invalid.push({ path, message: problem })
    bytes +=
      name.length +
      (value === null ? (present?.ciphertext.length ?? 0) : base64Length(Buffer.byteLength(value))) +
      OVERHEAD_BYTES
  }
  if (missing.length > 0) throw secretValueMissing(missing)
  if (invalid.length > 0) throw secretValueInvalid(invalid)
  if (bytes > MAX_STORED_SECRET_BYTES) throw secretTooLarge(bytes)
}

/** Nonce, tag and JSON around one sealed value. */
const OVERHEAD_BYTES = 90
const base64Length = (bytes: number): number => 4 * Math.ceil(bytes / 3)

/** What is wrong with a value, without showing any of it. */
const problemOf = (value: string): string | undefined => {
  const bytes = Buffer.byteLength(value)
  if (bytes > MAX_SECRET_VALUE_BYTES) return `has ${bytes} bytes, the limit is ${MAX_SECRET_VALUE_BYTES}`
  if (/\p{Surrogate}/u.test(value)) return 'is not well-formed Unicode (half a surrogate pair)'
  return undefined
}
