import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { schemaFlaws, shownName } from './schema-flaws.ts'

const schema = z.strictObject({
  data: z.record(z.string().regex(/^[A-Z]+$/, 'must be capital letters'), z.string()),
  count: z.number().optional(),
})
const flaws = (value: unknown) => {
  const { error } = schema.safeParse(value)
  return (error?.issues ?? []).flatMap(schemaFlaws)
}

describe('what a schema has to say', () => {
  it('points at a field that does not exist', () =>
    expect(flaws({ data: {}, cuont: 1 })).toEqual([{ path: 'cuont', message: 'there is no such field' }]))

  it('points at a field of the wrong type, and shows nothing of its value', () =>
    expect(JSON.stringify(flaws({ data: { A: 'a' }, count: 'hunter2' }))).not.toContain('hunter2'))

  it('says what a key should look like', () =>
    expect(flaws({ data: { lower: 'a' } })).toEqual([
      { path: 'data.lower', message: 'the key must be capital letters' },
    ]))

  it.each(['ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'correct horse battery staple', 'пароль-с-ключом'])(
    'does not repeat what may be a secret in the wrong place: %s',
    (secret) => {
      for (const value of [{ data: { [secret]: 'a' } }, { data: {}, [secret]: 'a' }]) {
        const text = JSON.stringify(flaws(value))
        expect(text).toContain(`${secret.slice(0, 4)}…`)
        expect(text).not.toContain(secret.slice(0, 6))
      }
    },
  )

  it('shows a name that looks like one', () => expect(shownName('packagName')).toBe('packagName'))
})
