import type { Keyring } from '../../domain/secret/keyring.ts'

/** A data key is made before its secret is declared: for this long, one without a secret may still get it. */
export const ORPHAN_AGE_MS = 10 * 60_000

/**
 * Destroys data keys that belong to no secret: mcpd was killed between making one and declaring its secret, or the declaration was
 * refused. Idempotent. Answers how many there were.
 *
 * @param isDeclared whether a secret of this uid exists, asked of the log or of rows that are up to date with it
 * @param minAgeMs 0 at the start of the only mcpd there is, before it takes requests
 */
export const sweepDataKeys = async (
  keyring: Keyring,
  isDeclared: (uid: string) => Promise<boolean>,
  now: Date,
  minAgeMs = ORPHAN_AGE_MS,
): Promise<number> => {
  let destroyed = 0
  for (const { uid, createdAt } of await keyring.list()) {
    // A damaged entry has no date: whose it is decides alone.
    const age = createdAt === undefined ? Number.POSITIVE_INFINITY : now.getTime() - Date.parse(createdAt)
    if (age < minAgeMs || (await isDeclared(uid))) continue
    await keyring.destroy(uid)
    destroyed++
  }
  return destroyed
}
