import type { Dice } from './dice.ts'
import { hostileText, hostileValue, nested } from './hostile.ts'

type Path = readonly (string | number)[]

/** Where something stands in a JSON value: every member and element, the value itself first. */
const pathsOf = (value: unknown, at: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null || at.length > 12) return [at]
  const members = Array.isArray(value) ? [...value.entries()].slice(0, 50) : Object.entries(value)
  return [at, ...members.flatMap(([key, member]) => pathsOf(member, [...at, key]))]
}

/** A copy of `value` with what is at `path` made anew by `change`; `REMOVED` takes it out. */
const REMOVED = Symbol('removed')
const changed = (value: unknown, path: Path, change: (old: unknown) => unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return change(value)
  if (Array.isArray(value))
    return value.map((each, i) => (i === key ? changed(each, rest, change) : each)).filter((each) => each !== REMOVED)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([name, member]) => [name, name === key ? changed(member, rest, change) : member] as const)
    .filter(([, member]) => member !== REMOVED)
  // `fromEntries` defines members, so that `__proto__` becomes one, as it does in JSON.
  return Object.fromEntries(entries)
}

const EXTRA_KEYS = ['__proto__', 'constructor', 'prototype', 'extra', '', 'toString', 'name', 'spec', 'a.b', '\0', '0']

/** One structural change somewhere in a JSON value: another type, a member too many or too few, null, too deep, too long. */
export const mutated = (dice: Dice, value: unknown): unknown => {
  const path = dice.pick(pathsOf(value))
  return changed(value, path, (old) =>
    dice.weighted<unknown>([
      [6, () => hostileValue(dice)],
      [2, () => (path.length === 0 ? null : REMOVED)],
      [2, () => null],
      [2, () => (typeof old === 'string' ? old + hostileText(dice) : hostileText(dice))],
      [1, () => [old]],
      [1, () => ({ value: old })],
      [3, () => withExtra(dice, old)],
      [1, () => (Array.isArray(old) ? [...old, ...old, hostileValue(dice)] : hostileValue(dice))],
      [0.3, () => nested(dice.pick([100, 5_000, 100_000]), dice.chance(0.3))],
      [0.2, () => 'x'.repeat(dice.pick([1_001, 65_537, 300_000, 1_100_000]))],
    ]),
  )
}

const withExtra = (dice: Dice, old: unknown): unknown => {
  if (typeof old !== 'object' || old === null || Array.isArray(old)) return hostileValue(dice)
  return Object.fromEntries([...Object.entries(old), [dice.pick(EXTRA_KEYS), hostileValue(dice)]])
}

/** A change of the bytes of a text, whatever it says: cut, doubled, made no UTF-8, sprinkled with what means something. */
export const mutatedBytes = (dice: Dice, text: string, special = '{}[]:,"\\\0'): Buffer => {
  const bytes = Buffer.from(text)
  const at = dice.below(bytes.length + 1)
  const insert = (what: Buffer | string): Buffer =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from(what), bytes.subarray(at)])
  return dice.weighted<Buffer>([
    [3, () => bytes.subarray(0, at)],
    [2, () => insert(dice.pick([...special]))],
    [2, () => insert(Buffer.from([dice.pick([0xff, 0xc0, 0x80, 0xed, 0xf8])]))],
    [1, () => insert(hostileText(dice))],
    [1, () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(5))])],
    [1, () => Buffer.concat([bytes, bytes])],
    [1, () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])],
    [0.5, () => Buffer.from(text, 'utf16le')],
    [0.5, () => Buffer.from([...bytes].reverse())],
    [0.5, () => Buffer.alloc(0)],
  ])
}
