import { expect, it } from 'vitest'
import { Ring } from './ring.ts'

it('keeps the newest records by number', () => {
  const ring = new Ring({ ringMessages: 2, ringBytes: 1000 })
  for (const json of ['a', 'b', 'c']) ring.push(json)
  expect(ring.records).toEqual(['b', 'c'])
})

it('keeps the newest records by size, and none that is larger than all of it', () => {
  const ring = new Ring({ ringMessages: 100, ringBytes: 10 })
  for (const json of ['aaaa', 'bbbb', 'cccc']) ring.push(json)
  expect(ring.records).toEqual(['bbbb', 'cccc'])
  ring.push('x'.repeat(11))
  expect(ring.records).toEqual([])
  ring.push('d')
  expect(ring.records).toEqual(['d'])
})
