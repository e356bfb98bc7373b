import { describe, expect, it } from 'vitest'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { longAnswer } from '../../domain/mcp/long-answer.ts'
import type { TrafficRecord } from './feed.ts'
import { SessionRecords } from './session-records.ts'

const request = (id: number | string, method = 'tools/call'): RpcMessage => ({ jsonrpc: '2.0', id, method })
const result = (id: number | string, of: object = {}): RpcMessage => ({ jsonrpc: '2.0', id, result: { ...of } })

const recorder = (limits = {}) => {
  const records = new SessionRecords('abcd1234', { messageBytes: 1000, pending: 10, ...limits })
  let seq = 0
  return (...message: Parameters<SessionRecords['record']> extends [number, ...infer Rest] ? Rest : never) =>
    JSON.parse(records.record(++seq, ...message)) as TrafficRecord
}

describe('a record', () => {
  it('has the message as it is, its size in bytes and where it passed', () => {
    const message = { ...request(1), params: { text: 'ü' } }
    expect(recorder()('client', 'to-server', undefined, message)).toEqual({
      seq: 1,
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      session: 'abcd1234',
      side: 'client',
      direction: 'to-server',
      method: 'tools/call',
      id: 1,
      bytes: Buffer.byteLength(JSON.stringify(message)),
      message,
    })
  })

  it('of a large message has its beginning and its whole size', () => {
    const message = { ...request(1), params: { text: 'x'.repeat(500) } }
    const record = recorder({ messageBytes: 50 })('client', 'to-server', undefined, message)
    expect(record).toMatchObject({ bytes: JSON.stringify(message).length, cut: JSON.stringify(message).slice(0, 50) })
    expect(record).not.toHaveProperty('message')
  })

  it('of an answer that is passed on unread has the same', () => {
    const text = `{"text":"${'x'.repeat(500)}"}`
    const record = recorder({ messageBytes: 50 })('server', 'to-client', 'a', longAnswer(1, Buffer.from(text)))
    const plain = JSON.stringify({ jsonrpc: '2.0', id: 1, result: JSON.parse(text) })
    expect(record).toMatchObject({ bytes: plain.length, cut: plain.slice(0, 50), outcome: 'ok' })
  })

  it('of what is nested too deep to be written is no harm', () => {
    let deep: object = {}
    for (let i = 0; i < 20_000; i += 1) deep = { deep }
    const message: RpcMessage = { jsonrpc: '2.0', method: 'x', params: deep as { deep: Record<string, never> } }
    expect(recorder()('server', 'to-client', 'a', message)).toMatchObject({ bytes: 0, cut: '' })
  })
})

describe('an answer', () => {
  it('is matched with the request of the other direction, each side and server for itself', () => {
    const record = recorder()
    record('client', 'to-server', undefined, request(1, 'tools/list'))
    record('server', 'to-server', 'a', request(1, 'tools/call'))
    record('server', 'to-server', 'b', request(1, 'prompts/get'))
    record('server', 'to-client', 'a', request(1, 'sampling/createMessage'))
    expect(record('server', 'to-client', 'b', result(1)).method).toBe('prompts/get')
    expect(record('server', 'to-server', 'a', result(1)).method).toBe('sampling/createMessage')
    expect(record('server', 'to-client', 'a', result(1)).method).toBe('tools/call')
    const last = record('client', 'to-client', 'a', result(1))
    expect(last).toMatchObject({ method: 'tools/list', server: 'a', outcome: 'ok', ms: expect.any(Number) })
  })

  it('is not matched with an id of another type, nor twice, nor with a request that nobody saw', () => {
    const record = recorder()
    record('client', 'to-server', undefined, request('1'))
    expect(record('client', 'to-client', undefined, result(1))).not.toHaveProperty('method')
    expect(record('client', 'to-client', undefined, result('1'))).toHaveProperty('method')
    expect(record('client', 'to-client', undefined, result('1'))).not.toHaveProperty('ms')
  })

  it('says how it ended', () => {
    const record = recorder()
    const error: RpcMessage = { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no' } }
    expect(record('client', 'to-client', undefined, error).outcome).toBe('error')
    expect(record('client', 'to-client', undefined, result(1, { isError: true })).outcome).toBe('tool-error')
  })

  it('that never comes is waited for within a bound', () => {
    const record = recorder({ pending: 2 })
    for (const id of [1, 2, 3]) record('client', 'to-server', undefined, request(id))
    expect([1, 2, 3].map((id) => record('client', 'to-client', undefined, result(id)).method)).toEqual([
      undefined,
      'tools/call',
      'tools/call',
    ])
  })
})
