import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Keyring } from '../../domain/secret/keyring.ts'
import { MAX_SECRET_VALUE_BYTES, secretSpec, storedSecretSpec } from '../../domain/secret/resource.ts'
import { openSecretValues } from './open-secret.ts'
import {
  completeSecret,
  MAX_STORED_SECRET_BYTES,
  type SecretSpec,
  type StoredSecret,
  sealSecret,
} from './prepare-secret.ts'
import { temporaryKeyring } from './testing/temporary-keyring.ts'

describe('preparing a secret', () => {
  let keyring: Keyring
  let remove: () => Promise<void>
  beforeEach(async () => {
    ;({ keyring, remove } = await temporaryKeyring())
  })
  afterEach(() => remove())

  const prepare = async (
    data: SecretSpec['data'],
    present?: StoredSecret,
    more: { backend?: string; dryRun?: boolean } = {},
  ): Promise<StoredSecret> => {
    const { backend, ...rest } = more
    const spec = secretSpec.parse({ data, ...(backend === undefined ? {} : { backend }) })
    const whole = completeSecret(spec, present?.spec, 'default')
    return sealSecret(keyring, { spec: whole, present, newUid: randomUUID(), ...rest })
  }
  const open = ({ uid, spec }: StoredSecret) => openSecretValues(uid, spec, keyring)

  it('seals every value of a new one, in the form its event holds', async () => {
    const made = await prepare({ A: 'first', B: '' })
    expect(storedSecretSpec.parse(made.spec)).toEqual(made.spec)
    expect(JSON.stringify(made)).not.toContain('first')
    expect(await open(made)).toEqual({ A: 'first', B: '' })
  })

  it('answers the very same spec when nothing has changed', async () => {
    const made = await prepare({ A: 'first', B: 'second' })
    expect(await prepare({ A: 'first', B: 'second' }, made)).toEqual(made)
    expect(await prepare({ A: null, B: 'second' }, made)).toEqual(made)
    expect(await prepare({ A: null, B: null }, made)).toEqual(made)
  })

  it('seals only what has changed, and drops what is left out', async () => {
    const made = await prepare({ A: 'first', B: 'second', C: 'third' })
    const changed = await prepare({ A: 'other', B: null, D: 'new' }, made)
    expect(changed.uid).toBe(made.uid)
    expect(changed.spec.data.B).toEqual(made.spec.data.B)
    expect(changed.spec.data.A).not.toEqual(made.spec.data.A)
    expect(await open(changed)).toEqual({ A: 'other', B: 'second', D: 'new' })
  })

  it('keeps the backend it has when the spec names none', async () => {
    const made = await prepare({ A: 'a' }, undefined, { backend: 'vault' })
    expect((await prepare({ A: 'a' }, made)).spec.backend).toBe('vault')
    expect((await prepare({ A: 'a' })).spec.backend).toBe('default')
  })

  it('refuses to keep values that are not there, naming each', async () => {
    const made = await prepare({ A: 'a' })
    await expect(prepare({ A: null, B: null, C: null }, made)).rejects.toMatchObject({
      code: 'secret-value-missing',
      status: 422,
      details: { fields: [{ path: 'spec.data.B' }, { path: 'spec.data.C' }] },
    })
  })

  it.each([
    ['too long', 'x'.repeat(MAX_SECRET_VALUE_BYTES + 1)],
    ['too long in bytes though not in characters', 'ü'.repeat(MAX_SECRET_VALUE_BYTES / 2 + 1)],
    ['half a surrogate pair', 'abc\ud800'],
  ])('refuses a value that is %s, naming its field and showing nothing of it', async (_what, value) => {
    const refused = await prepare({ OK: 'fine', A: value }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'secret-value-invalid',
      status: 422,
      details: { fields: [{ path: 'spec.data.A' }] },
    })
    expect(JSON.stringify(refused).length).toBeLessThan(400)
  })

  it('takes a value of exactly the limit', async () => {
    const value = 'x'.repeat(MAX_SECRET_VALUE_BYTES)
    expect(await open(await prepare({ A: value }))).toEqual({ A: value })
  })

  it('refuses values that do not fit one event together, kept ones included', async () => {
    const value = 'x'.repeat(MAX_SECRET_VALUE_BYTES)
    const made = await prepare({ A: value, B: value })
    await expect(prepare({ A: null, B: null, C: value }, made)).rejects.toMatchObject({ code: 'secret-too-large' })
  })

  it('never answers a spec that is larger than its limit', () =>
    fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/), fc.nat(MAX_SECRET_VALUE_BYTES), { maxKeys: 6 }),
        async (sizes) => {
          const data = Object.fromEntries(Object.entries(sizes).map(([key, size]) => [key, 'x'.repeat(size)]))
          const made = await prepare(data, undefined, { dryRun: true }).catch(() => undefined)
          if (made !== undefined) expect(JSON.stringify(made.spec).length).toBeLessThan(MAX_STORED_SECRET_BYTES + 1024)
        },
      ),
      { numRuns: 20 },
    ))

  it('makes no data key for what it refuses, nor in a dry run', async () => {
    await expect(prepare({ A: null })).rejects.toThrow('spec.data.A')
    await expect(prepare({ A: 'abc\ud800' })).rejects.toThrow('spec.data.A')
    const planned = await prepare({ A: 'a' }, undefined, { dryRun: true })
    expect(Object.keys(planned.spec.data)).toEqual(['A'])
    expect(await keyring.list()).toEqual([])
  })

  it('keeps and drops values of a secret whose data key is lost, but seals no new ones', async () => {
    const made = await prepare({ A: 'a', B: 'b' })
    await keyring.destroy(made.uid)
    expect((await prepare({ A: null }, made)).spec.data).toEqual({ A: made.spec.data.A })
    await expect(prepare({ A: 'new' }, made)).rejects.toMatchObject({ code: 'secret-key-destroyed' })
    await expect(open(made)).rejects.toMatchObject({ code: 'secret-key-destroyed' })
  })

  it('mends a damaged value that is written again', async () => {
    const made = await prepare({ A: 'a', B: 'b' })
    const { A, B } = made.spec.data
    if (A === undefined || B === undefined) throw new Error('not sealed')
    const swapped = { ...made, spec: { ...made.spec, data: { A: B, B: A } } }
    await expect(open(swapped)).rejects.toMatchObject({ code: 'secret-unreadable' })
    expect(await open(await prepare({ A: 'a', B: 'b' }, swapped))).toEqual({ A: 'a', B: 'b' })
  })
})
