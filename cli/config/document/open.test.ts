import { describe, expect, it } from 'vitest'
import { checked } from './open.ts'

const PATH = ['mcpServers', 'demo']
const text = '{"mcpServers":{"a":{"n":1},"demo":{}},"b":[1,{"c":null}]}'
const replace = (remove: string, insert: string) => () => [{ at: text.indexOf(remove), remove, insert }]
const change = (remove: string, insert: string) =>
  checked({ format: 'json', file: 'f.json', text }, PATH, replace(remove, insert))

describe('an edit is let through only if it changes nothing but the entry', () => {
  it.each([
    ['"demo":{}', '"demo":{"command":"x"}'],
    [',"demo":{}', ''],
  ])('%s to %s is', (remove, insert) => {
    expect(change(remove, insert).text).toBe(text.replace(remove, insert))
  })

  it.each([
    ['"n":1', '"n":2'],
    ['"n":1', ''],
    ['{"n":1}', '{"n":1,"m":1}'],
    ['"a":', '"A":'],
    ['null', '0'],
    ['[1,', '['],
    ['{"c":null}', 'null'],
    ['"demo":{}', '"demo":{'],
    ['"demo":{}', '"demo":{},"other":{}'],
    ['not there', 'x'],
  ])('%s to %s is not', (remove, insert) => {
    expect(() => change(remove, insert)).toThrow('cannot be edited safely')
  })
})
