import { expect, it } from 'vitest'
import type { TrafficRecord } from '../../proxy/inspector/feed.ts'
import { type Entry, parseFilter } from './filter.ts'

const entry = (record: Partial<TrafficRecord>): Entry => {
  const whole: TrafficRecord = {
    seq: 1,
    at: '2026-01-01T00:00:00.000Z',
    session: '3fa9c2d1',
    side: 'client',
    direction: 'to-server',
    bytes: 10,
    ...record,
  }
  return { record: whole, raw: JSON.stringify(whole) }
}

const call = entry({
  method: 'tools/call',
  id: 7,
  message: { jsonrpc: '2.0', method: 'tools/call', params: { name: 'a__read', path: '/Etc/hosts (1)' } },
})
const answer = entry({ method: 'tools/call', id: 7, server: 'files', side: 'server', outcome: 'ok' })
const failed = entry({ method: 'tools/list', outcome: 'error' })
const toolFailed = entry({ method: 'tools/call', outcome: 'tool-error' })

it.each([
  ['', [call, answer, failed, toolFailed]],
  ['   ', [call, answer, failed, toolFailed]],
  ['/etc/HOSTS', [call]],
  ['(1)', [call]],
  ['"hosts (1)"', [call]],
  ['method:tools/call', [call, answer, toolFailed]],
  ['METHOD:tools/', [call, answer, failed, toolFailed]],
  ['side:server', [answer]],
  ['server:fil', [answer]],
  ['session:3fa9', [call, answer, failed, toolFailed]],
  ['session:4', []],
  ['id:7', [call, answer]],
  ['id:', [failed, toolFailed]],
  ['errors', [failed, toolFailed]],
  ['errors method:tools/call', [toolFailed]],
  ['-errors', [call, answer]],
  ['-method:tools/call', [failed]],
  ['unknown:word', []],
  ['"not closed', []],
])('%s', (text, found) => {
  expect([call, answer, failed, toolFailed].filter(parseFilter(text))).toEqual(found)
})
