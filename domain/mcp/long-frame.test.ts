import { expect, it } from 'vitest'
import { longAnswer, longResultOf, longText, textOfLong } from './long-answer.ts'
import { readLongFrame, writeLongFrame } from './long-frame.ts'
import { resultOf } from './rpc.ts'

const TEXT = `{"content":[{"type":"text","text":"${'ü'.repeat(200_000)}"}]}`
const frame = (id: string | number) =>
  ({ type: 'message', server: 's', message: longAnswer(id, longText([Buffer.from(TEXT)])) }) as const
const bytesOf = (id: string | number) => Buffer.from(textOfLong(writeLongFrame(frame(id)) ?? longText([])))

it.each([1, 'a', 'ü'])('brings a long answer over, its result unread: id %j', (id) => {
  const read = readLongFrame(bytesOf(id))
  const message = read?.type === 'message' ? read.message : undefined
  const result = message && longResultOf(message)
  expect([message?.id, result && textOfLong(result)]).toEqual([id, TEXT])
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
