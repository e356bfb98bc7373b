import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLine, readLong } from './stdout-lines.ts'

const read = (line: string) => {
  const messages: unknown[] = []
  const rubbish: string[] = []
  readLine(
    line,
    (message) => messages.push(message),
    (each) => rubbish.push(each),
  )
  return { messages, rubbish }
}

describe('a line of stdout', () => {
  it.each([
    { jsonrpc: '2.0', id: 1, result: { deep: [null, { x: 1 }] }, extra: true },
    { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } },
    { jsonrpc: '2.0', method: 'notifications/own' },
  ])('is a message as it stands: %j', (message) => {
    expect(read(`  ${JSON.stringify(message)}`)).toEqual({ messages: [message], rubbish: [] })
  })

  it('has no error where that is null, as some servers write beside a result', () =>
    expect(read('{"jsonrpc":"2.0","id":1,"result":{},"error":null}')).toEqual({
      messages: [{ jsonrpc: '2.0', id: 1, result: {} }],
      rubbish: [],
    }))

  it('may be several messages', () => {
    const both = [
      { jsonrpc: '2.0', method: 'a' },
      { jsonrpc: '2.0', id: 1, result: {} },
    ]
    expect(read(JSON.stringify(both))).toEqual({ messages: both, rubbish: [] })
  })

  it.each([
    'Listening…',
    '{"level":"info","msg":"up"}',
    '{"jsonrpc":"2.0"}',
    '[]',
    '[{"jsonrpc":"2.0","id":1},2]',
    '42',
    '{',
  ])('is no message: %s', (line) => expect(read(line)).toEqual({ messages: [], rubbish: [line] }))

  it('is nothing at all when it is blank', () => {
    expect(read(' \t')).toEqual({ messages: [], rubbish: [] })
  })

  it('never throws, and is either messages or rubbish', () => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((text) => `{"jsonrpc":"2.0",${text}`),
    )
    fc.assert(
      fc.property(line, (text) => {
        const { messages, rubbish } = read(text)
        expect(messages.length > 0 && rubbish.length > 0).toBe(false)
      }),
    )
  })
})

it('a long answer that is no UTF-8 is read as a text, which a link takes', () => {
  const bytes = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":"?"}}')
  bytes[bytes.indexOf('?')] = 0xff
  const lines: string[] = []
  readLong(
    bytes,
    () => expect.unreachable(),
    (line) => lines.push(line),
  )
  expect(lines).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"a":"\ufffd"}}'])
})
