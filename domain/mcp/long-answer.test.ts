import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beginsTask, isToolError, longAnswer, longResultOf, readLongAnswer, withId } from './long-answer.ts'
import { resultOf } from './rpc.ts'

const read = (text: string) => readLongAnswer(Buffer.from(text))

describe('a long answer', () => {
  it.each([
    ['the id first', '{"jsonrpc":"2.0","id":5,"result":{"a":[1]}}', 5, '{"a":[1]}'],
    ['the id last', '{"result":{"a":[1]},"jsonrpc":"2.0","id":5}', 5, '{"a":[1]}'],
    ['spaces', '{ "jsonrpc" : "2.0", "id" : "x é" , "result" : {} }\r', 'x é', '{}'],
    ['spaces, the id last', '{ "result" : {} , "jsonrpc" : "2.0" , "id" : -3 } ', -3, '{}'],
    ['no failure', '{"result":{"isError" : false,"a":1},"jsonrpc":"2.0","id":1}', 1, '{"isError" : false,"a":1}'],
    [
      'a text that looks like an end',
      String.raw`{"result":{"a":"},\"jsonrpc\":\"2.0\",\"id\":6}"},"jsonrpc":"2.0","id":5}`,
      5,
      String.raw`{"a":"},\"jsonrpc\":\"2.0\",\"id\":6}"}`,
    ],
    [
      'a text that speaks of failure',
      String.raw`{"result":{"a":"\"isError\":true"},"jsonrpc":"2.0","id":5}`,
      5,
      String.raw`{"a":"\"isError\":true"}`,
    ],
  ])('is taken for what it is: %s', (_, text, id, result) => {
    const answer = read(text)
    expect([answer?.id, answer && longResultOf(answer)?.toString()]).toEqual([id, result])
    expect(answer?.result).toEqual(JSON.parse(result))
  })

  it.each([
    ['a request', '{"jsonrpc":"2.0","id":5,"method":"x","params":{}}'],
    ['an error', '{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"x"}}'],
    ['a notification', '{"jsonrpc":"2.0","method":"x"}'],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"result":{}}'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":1,"result":[1]}'],
    ['members in another order', '{"id":1,"result":{},"jsonrpc":"2.0"}'],
    ['a failed tool', '{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}'],
    ['a failed tool, with spaces', '{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError" : true}}'],
    ['prose', 'Listening on port 3000'],
    ['half of one', '{"jsonrpc":"2.0","id":5,"result":{"a":1'],
    ['a batch', '[{"jsonrpc":"2.0","id":5,"result":{}}]'],
    ['an answer under two ids', '{"jsonrpc":"2.0","id":5,"result":{"a":1},"id":6,"result":{"a":2}}'],
    ['an answer under two ids, the last at the end', '{"result":{"a":1},"id":6,"x":{},"jsonrpc":"2.0","id":5}'],
    ['a member behind the result', '{"jsonrpc":"2.0","id":5,"result":{"a":"\\\\"},"x":{}}'],
    ['a result that closes what it did not open', '{"jsonrpc":"2.0","id":5,"result":{}}},"message":{"result":{}}'],
    ['a text that does not end', '{"jsonrpc":"2.0","id":5,"result":{"a":"}}'],
    ['what is another event to a reader of lines', '{"jsonrpc":"2.0","id":5,"result":{\r\rdata: {}\r\r}}'],
    ['several lines', '{"jsonrpc":"2.0","id":5,"result":{\n}}'],
    ['an id that is no number of JSON', '{"jsonrpc":"2.0","id":007,"result":{}}'],
    ['an id that is no text of JSON', '{"jsonrpc":"2.0","id":"\u0001","result":{}}'],
    ['a number that is none, behind', '{"result":{},"jsonrpc":"2.0","id":-01}'],
    ['a failed tool, the value far away', `{"jsonrpc":"2.0","id":1,"result":{"isError":${' '.repeat(99)}true}}`],
  ])('is left to the parser: %s', (_, text) => expect(read(text)).toBeUndefined())

  it.each([0, 1, 2, 3])('finds the end of long texts with %i backslashes before a quote', (count) => {
    for (const length of [0, 1, 254, 255, 256, 257, 800]) {
      const text = `${'x'.repeat(length)}${'\\'.repeat(count)}"}},${'y'.repeat(length)}`
      const result = JSON.stringify({ a: text, b: [text] })
      const answer = read(`{"jsonrpc":"2.0","id":1,"result":${result}}`)
      expect(answer && longResultOf(answer)?.toString()).toBe(result)
    }
  })

  it('says the same as the parser, however it is written', () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('isError', 'id', 'result', 'task')), fc.jsonValue()),
        fc.oneof(fc.integer(), fc.string()),
        fc.boolean(),
        fc.constantFrom(undefined, 1, '\t'),
        (result, id, idFirst, space) => {
          const message = idFirst ? { jsonrpc: '2.0', id, result } : { result, jsonrpc: '2.0', id }
          const text = JSON.stringify(message, undefined, space).replaceAll('\n', ' ')
          const answer = read(text)
          const plain = JSON.parse(text)
          if (answer !== undefined) {
            expect({ jsonrpc: answer.jsonrpc, id: answer.id, result: answer.result }).toEqual(plain)
            expect(plain.result.isError).not.toBe(true)
          } else {
            // Only these two are reasons to parse what was written so.
            const hasEscapes = /["\\]|[^\x20-\x7e]/.test(String(id)) && typeof id === 'string'
            expect(hasEscapes || /"isError"/.test(text) || text.length > 512).toBe(true)
          }
        },
      ),
    ))

  it('keeps its bytes under another id', () => {
    const answer = longAnswer(1, Buffer.from('{"a":1}'))
    const other = withId(answer, 'x')
    expect([other.id, other.result, longResultOf(other)]).toEqual(['x', { a: 1 }, longResultOf(answer)])
    expect(JSON.stringify(other)).toBe('{"jsonrpc":"2.0","id":"x","result":{"a":1}}')
  })

  it('is not taken for what was made of it', () => {
    expect(longResultOf({ ...longAnswer(1, Buffer.from('{"a":1}')), result: {} })).toBeUndefined()
    const answer: { result?: unknown } & ReturnType<typeof longAnswer> = longAnswer(1, Buffer.from('{"a":1}'))
    Object.assign(answer, { result: { b: 2 } })
    expect([longResultOf(answer), JSON.stringify(answer)]).toEqual([
      undefined,
      '{"jsonrpc":"2.0","id":1,"result":{"b":2}}',
    ])
  })

  it('has no result when it is no JSON after all', () =>
    expect(longAnswer(1, Buffer.from('{"a":tru}')).result).toBeUndefined())
})

it('tells failed tools and tasks from other answers', () => {
  const answers = [{ isError: true }, { isError: 'yes' }, { task: { taskId: 't' } }, { task: null }, {}]
  expect(answers.map((result) => isToolError(resultOf(1, result)))).toEqual([true, false, false, false, false])
  expect(answers.map((result) => beginsTask(resultOf(1, result)))).toEqual([false, false, true, false, false])
})
