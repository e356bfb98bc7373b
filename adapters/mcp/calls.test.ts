import { expect, it } from 'vitest'
import { type CallOutcome, type CallRecord, createCallObserver } from './calls.ts'

const record = (outcome: CallOutcome): CallRecord => ({
  project: 'demo',
  server: 's',
  instance: 'i1',
  principal: undefined,
  method: 'tools/call',
  tool: 'echo',
  durationMs: 1,
  requestBytes: 10,
  responseBytes: 20,
  outcome,
  errorCode: undefined,
})

it('writes one line a call, with all of its record, and quietly when it went well', async () => {
  const lines: [level: string, fields: object, message: string][] = []
  const at = (level: string) => (fields: object, message: string) => lines.push([level, fields, message])
  const seen: CallRecord[] = []
  const observe = createCallObserver(
    { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    (call) => seen.push(call),
  )
  const outcomes = ['ok', 'tool-error', 'error', 'cancelled', 'lost', 'refused'] as const
  for (const outcome of outcomes) observe(record(outcome))
  expect(seen).toEqual([]) // whoever waits for the answer comes first
  await Promise.resolve()
  expect(seen).toEqual(outcomes.map(record))
  expect(lines).toEqual(outcomes.map((each) => [each === 'ok' ? 'debug' : 'info', record(each), 'mcp call']))
})
