import { describe, expect, it } from 'vitest'
import { unknownEvent } from '../domain/kernel/event-type.ts'
import { explain } from './explain.ts'
import { recorded } from './testing/given.ts'

const [event] = recorded([['server-s', 'ServerDeclared', { uid: 'hunter2' }]])
const reasonOf = (cause: unknown) => (event === undefined ? expect.fail() : explain({ event, cause }))
const refusal = Object.assign(new Error('invalid input "hunter2"'), { code: '23502', column: 'spec' })

describe('why an event stopped a read model', () => {
  it('names the event', () =>
    expect(reasonOf(new TypeError('no')).event).toEqual({
      position: '1',
      stream: 'server-s',
      revision: '0',
      type: 'ServerDeclared',
    }))

  it.each([
    [refusal, 'the database refuses the row it makes (SQLSTATE 23502, column spec)'],
    [new TypeError('x is undefined'), 'its payload cannot be folded: x is undefined'],
    [new Error('unexpected value: "hunter2"'), 'its payload cannot be folded: Error'],
    ['hunter2', 'its payload cannot be folded: unknown'],
  ])('repeats nothing of the payload: %s', (cause, message) => expect(reasonOf(cause).message).toBe(message))

  it.each([refusal, unknownEvent('server-s', 0n, 'ServerDeclared', 2, 'version 1 is known')])(
    'says what to do: %s',
    (cause) => expect(reasonOf(cause).hint).toContain('mcpctl admin rebuild'),
  )
})
