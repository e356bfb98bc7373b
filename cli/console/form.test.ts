import { describe, expect, it } from 'vitest'
import { argumentsOf, fieldsOf, optionsOf, promptFields } from './form.ts'

const schema = {
  type: 'object',
  properties: {
    note: { type: 'string', description: 'What to say' },
    count: { type: 'integer', default: 3 },
    ratio: { type: 'number' },
    loud: { type: 'boolean' },
    level: { enum: ['low', 'high', 5] },
    rest: { type: 'array', items: {} },
    path: { type: 'string' },
  },
  required: ['path'],
}
const fields = fieldsOf(schema)

describe('the fields of a schema', () => {
  it('are asked for by type, what is needed first', () => {
    expect(fields.map(({ name, type, initial }) => [name, type, initial])).toEqual([
      ['path', 'text', ''],
      ['note', 'text', ''],
      ['count', 'integer', '3'],
      ['ratio', 'number', ''],
      ['loud', 'boolean', ''],
      ['level', 'choice', ''],
      ['rest', 'json', ''],
    ])
    const [, , , , loud, level] = fields
    expect(loud && optionsOf(loud)).toEqual(['', 'true', 'false'])
    expect(level && optionsOf(level)).toEqual(['', 'low', 'high', '5'])
  })

  it('are found behind references and alternatives; null is leaving it out', () => {
    const behind = {
      $defs: { Name: { type: 'string', description: 'A name' } },
      properties: {
        name: { $ref: '#/$defs/Name' },
        age: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null },
        any: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
        kind: { oneOf: [{ const: 'a' }, { const: 'b' }] },
      },
    }
    expect(fieldsOf(behind).map(({ name, type, description }) => [name, type, description])).toEqual([
      ['name', 'text', 'A name'],
      ['age', 'integer', ''],
      ['any', 'json', ''],
      ['kind', 'choice', ''],
    ])
    expect(argumentsOf(fieldsOf(behind), {})).toEqual({ values: {} })
  })

  it('are none for a schema that is none', () => {
    for (const wrong of [undefined, null, 'x', {}, { properties: [] }, { properties: 5 }])
      expect(fieldsOf(wrong)).toEqual([])
    expect(fieldsOf({ properties: { x: true }, required: 'x' })).toMatchObject([{ name: 'x', type: 'json' }])
  })
})

describe('what was typed', () => {
  it('becomes arguments of their types; empty fields are left out', () => {
    const typed = { path: '5', ratio: '2.5', loud: 'true', level: '5', rest: '[1, {"a": null}]' }
    expect(argumentsOf(fields, typed)).toEqual({
      values: { path: '5', count: 3, ratio: 2.5, loud: true, level: 5, rest: [1, { a: null }] },
    })
    expect(argumentsOf(fields, { path: '""', count: '' })).toEqual({ values: { path: '' } })
  })

  it('is refused field by field', () => {
    const typed = { count: '1.5', ratio: 'x', loud: 'maybe', level: 'mid', rest: 'text' }
    expect(argumentsOf(fields, typed)).toEqual({
      wrong: {
        path: 'is needed ("" for an empty text)',
        count: 'must be a whole number, of 15 digits at most',
        ratio: 'must be a number: 5, -2.5 or 1e3',
        loud: 'must be true or false',
        level: 'must be one of the choices',
        rest: 'must be JSON; a text stands in quotes',
      },
    })
  })

  it('is never sent as another number', () =>
    expect(argumentsOf(fields, { path: 'x', count: '12345678901234567890' })).toHaveProperty('wrong.count'))

  it('for a prompt is text', () => {
    const asked = promptFields({ name: 'p', arguments: [{ name: 'who', required: true, description: 'Whom' }, 'no'] })
    expect(asked).toMatchObject([{ name: 'who', type: 'text', required: true, description: 'Whom' }])
    expect(argumentsOf(asked, { who: '5' })).toEqual({ values: { who: '5' } })
  })
})
