import { z } from 'zod'
import { eventType } from '../kernel/event-type.ts'

/** A data key under the master key (AES-256-GCM; secret's uid and master key's id are authenticated with it). Base64. */
export const wrappedKey = z.object({
  uid: z.string(),
  /** Id of the master key that opens it. */
  masterKey: z.string(),
  /** ISO 8601 in UTC. */
  createdAt: z.string(),
  nonce: z.string(),
  ciphertext: z.string(),
  tag: z.string(),
})
export type WrappedKey = z.output<typeof wrappedKey>

/**
 * Where data keys are kept in the log itself: each on a stream of its own, `secretkey-<uid>`, of which only the newest
 * event is kept and which is tombstoned with its secret. Never part of an export.
 */
export const secretKeyWrapped = eventType({
  type: 'SecretKeyWrapped',
  version: 1,
  categories: ['secretkey'],
  summary: "A secret's data key was made, or wrapped under another master key",
  schema: wrappedKey,
})

/** On the stream `secretkeys-index`, because a log cannot be asked for the streams of one category. */
export const secretKeyListed = eventType({
  type: 'SecretKeyListed',
  version: 1,
  categories: ['secretkeys'],
  summary: "A secret's data key is kept in the log, under the master key of this id",
  schema: wrappedKey.pick({ uid: true, masterKey: true, createdAt: true }),
})
export const secretKeyDelisted = eventType({
  type: 'SecretKeyDelisted',
  version: 1,
  categories: ['secretkeys'],
  summary: "A secret's data key was destroyed",
  schema: z.object({ uid: z.string() }),
})

/** A data key's own stream. */
export const secretKeyStream = (uid: string): string => `secretkey-${uid}`
export const SECRET_KEY_INDEX = 'secretkeys-index'
