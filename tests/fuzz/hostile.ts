import type { Dice } from './dice.ts'

/** Texts that programs tend to trip over. Nothing here may be worth running: it is sent to a real system. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '\n',
  '\t',
  '\0',
  'a\0b',
  '\u001b[2J',
  '\u202eevil',
  '\u2028',
  '\ufeffa',
  '\ud800',
  'a\udfff',
  '\u{1f600}',
  'á',
  'a\u0301',
  'ａｂｃ',
  'раураl',
  'ﬁ',
  'İ',
  'ß',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'true',
  'NaN',
  '-0',
  '1e309',
  '0x10',
  '9007199254740993',
  '99999999999999999999',
  '../x',
  '..',
  '.',
  '/',
  '//',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'C:\\x',
  '..%2f',
  '%2e%2e%2f',
  '%00',
  '%',
  '%zz',
  '%c0%af',
  'a;b',
  'a b',
  "'",
  '"',
  '`',
  "' or 1=1 --",
  '$(x)',
  '$\u007bx}',
  '{{x}}',
  '<b>',
  'a,b',
  'a=b',
  'a in (',
  '!',
  '*',
  '$',
  '$all',
  'server-x',
  '-',
  'a-',
  '-a',
  'A',
  'x'.repeat(63),
  'x'.repeat(64),
  'x'.repeat(501),
  'x'.repeat(10_000),
  'é'.repeat(10_000),
  '\u{10ffff}'.repeat(300),
]

const NUMBERS: readonly number[] = [
  -1,
  0,
  -0,
  1,
  0.5,
  33,
  1001,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  1e21,
  1e308,
  5e-324,
]

export const hostileText = (dice: Dice): string =>
  dice.weighted([
    [8, () => dice.pick(TEXTS)],
    [1, () => String.fromCodePoint(...Array.from({ length: 1 + dice.below(12) }, () => dice.below(0x300)))],
    [1, () => dice.pick(TEXTS) + dice.pick(TEXTS)],
  ])

export const hostileNumber = (dice: Dice): number => dice.pick(NUMBERS)

/** Any JSON value, small but for its texts. */
export const hostileValue = (dice: Dice, depth = 0): unknown =>
  dice.weighted<unknown>([
    [3, () => hostileText(dice)],
    [2, () => hostileNumber(dice)],
    [2, () => null],
    [2, () => dice.chance(0.5)],
    [1, () => []],
    [1, () => ({})],
    [depth < 3 ? 1 : 0, () => Array.from({ length: dice.below(4) }, () => hostileValue(dice, depth + 1))],
    [depth < 3 ? 1 : 0, () => Object.fromEntries([[hostileText(dice), hostileValue(dice, depth + 1)]])],
    [0.2, () => nested(dice.pick([50, 1_000, 20_000]))],
    [0.2, () => Array.from({ length: 5_000 }, () => 0)],
  ])

/** `[[[…]]]`, or objects in objects: deeper than a recursive program can follow. */
export const nested = (depth: number, object = false): unknown => {
  let value: unknown = object ? {} : []
  for (let i = 0; i < depth; i += 1) value = object ? { a: value } : [value]
  return value
}

/** JSON text of a value however deep it is nested: `JSON.stringify` and recursion end a few thousand levels down. */
export const jsonText = (value: unknown): string => {
  const parts: string[] = []
  // What is still to be written, the next thing last: texts as they are, values wrapped.
  const left: (string | { readonly value: unknown })[] = [{ value }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === 'string') parts.push(next)
    else if (Array.isArray(next.value))
      left.push(
        ...between(
          '[',
          next.value.map((each) => ['', each] as const),
          ']',
        ),
      )
    else if (typeof next.value === 'object' && next.value !== null) {
      const members = Object.entries(next.value).filter(([, member]) => member !== undefined)
      left.push(
        ...between(
          '{',
          members.map(([key, member]) => [`${JSON.stringify(key)}:`, member] as const),
          '}',
        ),
      )
    } else parts.push(JSON.stringify(next.value) ?? 'null')
  }
  return parts.join('')
}

const between = (open: string, members: readonly (readonly [before: string, value: unknown])[], close: string) => [
  close,
  ...members.flatMap(([before, value], i) => [`${i === 0 ? '' : ','}${before}`, { value }]).reverse(),
  open,
]
