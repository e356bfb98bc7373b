import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, onTestFinished, vi } from 'vitest'
import { EventStore } from './event-store.ts'
import { defaultEndpointLimits as limits } from './limits.ts'
import { ResumableStream } from './resumable-stream.ts'
import { EventStream } from './sse.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** A response that somebody has asked for, and how to break its connection. */
const respond = async (): Promise<{ response: ServerResponse; breakOff: () => void }> => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).on('error', () => {})
  const answered = once(server, 'request')
  asked.end()
  const [, response] = (await answered) as [unknown, ServerResponse]
  return { response, breakOff: () => asked.destroy() }
}

it('holds nothing of a connection that broke, but for what the store keeps', async () => {
  const events = new EventStore(limits).session()
  const stream = new ResumableStream({ name: 'p1', events, limits, primes: true, connectionMs: 60_000 })
  const broken = async (): Promise<WeakRef<ServerResponse>> => {
    const { response, breakOff } = await respond()
    stream.begin(new EventStream(response, limits), true)
    for (let i = 0; i < 3; i++) stream.send('x'.repeat(limits.keptBytes + 1), i) // one is being written, two wait
    breakOff()
    await once(response, 'close')
    return new WeakRef(response)
  }
  const connection = await broken()
  expect(stream.isConnected).toBe(false)
  await vi.waitFor(() => {
    collectGarbage()
    expect(connection.deref() === undefined).toBe(true) // what is compared itself would be held by the error
  })
  expect(stream.canResume(0)).toBe(true)
})
