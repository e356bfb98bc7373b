import { expect, it } from 'vitest'
import { nestsDeeperThan } from './json.ts'

it.each([
  ['not three levels', '[{"a":[]}]', false],
  ['a fourth level, of a list', '[{"a":[[]]}]', true],
  ['a fourth level, of an object', '{"a":{"b":{"c":{}}}}', true],
  ['not what stands side by side', '[[],[],[],{},{}]', false],
  ['not brackets in strings', '["[[[[", "\\"[[[[", "\\\\"]', false],
  ['what comes after a string that ends in a backslash', '["\\\\", [[["', true],
  ['what is cut off in the middle', '[[[[', true],
])('finds what nests deeper than three levels: %s', (_, text, deeper) => {
  expect(nestsDeeperThan(text, 3)).toBe(deeper)
})
