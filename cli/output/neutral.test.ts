import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { neutralLine, neutralText } from './neutral.ts'
import { toJson, toYaml } from './yaml.ts'

const HOSTILE = [
  ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['a\u009b2Jb', 'a\\x9b2Jb'],
  ['two\r\x07', 'two\\x0d\\x07'],
  ['abc\u202egnp.exe', 'abc\\u202egnp.exe'],
  ['\u061cx\u2066y', '\\u061cx\\u2066y'],
  ['zero\u200bwidth\u2060joined\ufeff', 'zero\\u200bwidth\\u2060joined\\ufeff'],
  ['tag\u{e0041}s', 'tag\\U000e0041s'],
  ['half\ud800', 'half\\ud800'],
  ['line\u2028end', 'line\\u2028end'],
  ['a\u0301\u0302\u0303\u0304\u0305\u0306', 'a\u0301\u0302\u0303\u0304\\u0305\\u0306'],
  ['x\ufe01\ufe02', 'x\\ufe01\\ufe02'],
] as const

describe('what a terminal would obey, or not show', () => {
  it.each(HOSTILE)('%j is shown as %j', (text, shown) => {
    expect(neutralLine(text)).toBe(shown)
    expect(neutralText(text)).toBe(shown)
  })

  it('is shown in a line with its newlines and tabs', () => {
    expect(neutralLine('one\n\ttwo\x1b')).toBe('one\\n\\ttwo\\x1b')
    expect(neutralText('one\n\ttwo\x1b')).toBe('one\n\ttwo\\x1b')
  })

  it.each(HOSTILE)('%j is read from YAML and JSON as what it was', (text) => {
    const [yaml, json] = [toYaml({ [text]: text }), toJson({ [text]: text })]
    expect([neutralText(yaml), neutralText(json)]).toEqual([yaml, json])
    expect([parse(yaml), JSON.parse(json)]).toEqual([{ [text]: text }, { [text]: text }])
  })
})

it('what is harmless stays as it is', () => {
  for (const text of ['plain', 'naïve café', '你好', 'здравствуй', '🎉 done', '⚠\ufe0f', 'བསྒྲུབས'])
    expect(neutralLine(text)).toBe(text)
})
