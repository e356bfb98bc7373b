import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 20
const HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
const INITIALIZE = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'call-over', version: '1' },
}

/**
 * A program that calls a tool over and over, until it is ended: `call-over.ts URL TOOL`, the bearer in BENCH_BEARER. A process
 * of its own that throws the answers away, so that reading them holds up nothing that is measured.
 */
const [url = '', tool = ''] = process.argv.slice(2)
const headers: Record<string, string> = { ...HEADERS, Authorization: `Bearer ${process.env.BENCH_BEARER}` }

const post = (message: object): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, (response) => {
      response.resume().on('end', () => resolve(response.headers['mcp-session-id']?.toString()))
      response.on('error', reject)
    })
    sent.on('error', reject).end(JSON.stringify({ jsonrpc: '2.0', ...message }))
  })

const session = await post({ id: 0, method: 'initialize', params: INITIALIZE })
if (session !== undefined) headers['Mcp-Session-Id'] = session
await post({ method: 'notifications/initialized' })
process.stdout.write('calling\n')
for (let id = 1; ; id += 1) {
  const began = performance.now()
  await post({ id, method: 'tools/call', params: { name: tool, arguments: {} } })
  if (performance.now() - began < PAUSE_MS) await sleep(PAUSE_MS) // it failed at once
}
