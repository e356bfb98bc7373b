import { expect, it } from 'vitest'
import { LONG_ANSWER_BYTES, longAnswer, longResultOf, readLongAnswer } from './long-answer.ts'
import { readLongFrame, writeLongFrame } from './long-frame.ts'
import { resultOf } from './rpc.ts'

const TEXT = `{"content":[{"type":"text","text":"${'ü'.repeat(200_000)}"}]}`
const frame = (id: string | number) =>
  ({ type: 'message', server: 's', message: longAnswer(id, Buffer.from(TEXT)) }) as const
const bytesOf = (id: string | number) => Buffer.concat(writeLongFrame(frame(id)) ?? [])

it.each([1, 'a', 'ü'])('brings a long answer over, its result unread: id %j', (id) => {
  const read = readLongFrame(bytesOf(id))
  const message = read?.type === 'message' ? read.message : undefined
  const result = message && longResultOf(message)
  expect([message?.id, result?.toString()]).toEqual([id, TEXT])
})

it('is JSON that says the same', () => expect(JSON.parse(bytesOf(1).toString())).toEqual(frame(1)))

it('leaves short answers and other frames to the parser', () => {
  expect(writeLongFrame({ type: 'message', server: 's', message: resultOf(1, {}) })).toBeUndefined()
  expect(readLongFrame(Buffer.from(JSON.stringify({ type: 'message', server: 's', message: resultOf(1, {}) })))).toBe(
    undefined,
  )
  const project = { type: 'project', project: { name: 'x'.repeat(300_000), namespacing: 'never', servers: [] } }
  expect(readLongFrame(Buffer.from(JSON.stringify(project)))).toBeUndefined()
})

it('brings over what nobody has read, though it is no JSON and shorter than it was', () => {
  const line = `{"jsonrpc":"2.0","id":1,"result"${' '.repeat(400)}:{"a":tru,"b":"`
  const message = readLongAnswer(Buffer.from(`${line}${'x'.repeat(LONG_ANSWER_BYTES - line.length - 4)}"}}`))
  const bytes = Buffer.concat((message && writeLongFrame({ type: 'message', server: 's', message })) ?? [])
  expect(bytes.length).toBeLessThan(LONG_ANSWER_BYTES)
  expect(readLongFrame(bytes)).toMatchObject({ type: 'message', server: 's', message: { id: 1 } })
})
