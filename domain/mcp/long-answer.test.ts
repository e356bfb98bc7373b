import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  beginsTask,
  isToolError,
  longAnswer,
  longResultOf,
  longText,
  readLongAnswer,
  textOfLong,
  withId,
} from './long-answer.ts'
import { resultOf } from './rpc.ts'

/** A text, cut into pieces of these sizes in turn. */
const cut = (text: string, sizes: readonly number[] = [7]) => {
  const bytes = Buffer.from(text)
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return longText(chunks)
}
const read = (text: string) => readLongAnswer(cut(text))

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
    const long = answer && longResultOf(answer)
    expect([answer?.id, long && textOfLong(long)]).toEqual([id, result])
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
  ])('is left to the parser: %s', (_, text) => expect(read(text)).toBeUndefined())

  it('says the same as the parser, however it is written and cut', () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('isError', 'id', 'result', 'task')), fc.jsonValue()),
        fc.oneof(fc.integer(), fc.string()),
        fc.boolean(),
        fc.constantFrom(undefined, 1, '\t'),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (result, id, idFirst, space, sizes) => {
          const message = idFirst ? { jsonrpc: '2.0', id, result } : { result, jsonrpc: '2.0', id }
          const text = JSON.stringify(message, undefined, space)
          const answer = readLongAnswer(cut(text, sizes))
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
    const answer = longAnswer(1, cut('{"a":1}'))
    const other = withId(answer, 'x')
    expect([other.id, other.result, longResultOf(other)]).toEqual(['x', { a: 1 }, longResultOf(answer)])
    expect(JSON.stringify(other)).toBe('{"jsonrpc":"2.0","id":"x","result":{"a":1}}')
  })

  it('is not taken for what was made of it', () => {
    expect(longResultOf({ ...longAnswer(1, cut('{"a":1}')), result: {} })).toBeUndefined()
    const answer: { result?: unknown } & ReturnType<typeof longAnswer> = longAnswer(1, cut('{"a":1}'))
    Object.assign(answer, { result: { b: 2 } })
    expect([longResultOf(answer), JSON.stringify(answer)]).toEqual([
      undefined,
      '{"jsonrpc":"2.0","id":1,"result":{"b":2}}',
    ])
  })

  it('has no result when it is no JSON after all', () => expect(longAnswer(1, cut('{"a":tru}')).result).toBeUndefined())
})

it('tells failed tools and tasks from other answers', () => {
  const answers = [{ isError: true }, { isError: 'yes' }, { task: { taskId: 't' } }, { task: null }, {}]
  expect(answers.map((result) => isToolError(resultOf(1, result)))).toEqual([true, false, false, false, false])
  expect(answers.map((result) => beginsTask(resultOf(1, result)))).toEqual([false, false, true, false, false])
})
