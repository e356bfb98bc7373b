import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ORPHAN_AGE_MS, sweepDataKeys } from './sweep-data-keys.ts'
import { temporaryKeyring } from './testing/temporary-keyring.ts'

describe('sweeping data keys', () => {
  let place: Awaited<ReturnType<typeof temporaryKeyring>>
  beforeEach(async () => {
    place = await temporaryKeyring()
  })
  afterEach(() => place.remove())

  it('destroys those that no secret came to, and only when they had time to', async () => {
    const { keyring } = place
    const [declared, orphan] = [randomUUID(), randomUUID()]
    for (const uid of [declared, orphan]) await keyring.create(uid)
    const isDeclared = async (uid: string) => uid === declared
    expect(await sweepDataKeys(keyring, isDeclared, new Date())).toBe(0)
    const later = new Date(Date.now() + ORPHAN_AGE_MS)
    expect(await sweepDataKeys(keyring, isDeclared, later)).toBe(1)
    expect((await keyring.list()).map(({ uid }) => uid)).toEqual([declared])
    expect(await sweepDataKeys(keyring, isDeclared, later)).toBe(0)
  })
})
