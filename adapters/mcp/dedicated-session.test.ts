import { afterEach, expect, it, vi } from 'vitest'
import type { Exit, LineFacts, MessageStream } from '../../domain/instance/runtime.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, resultOf } from '../../domain/mcp/rpc.ts'
import type { FinishedCall } from './calls.ts'
import { DedicatedSession } from './dedicated-session.ts'
import { SessionPool } from './session-pool.ts'
import { silent } from './testing/mcpd.ts'
import type { Upstream } from './upstream.ts'

const CLIENT = { capabilities: {}, clientInfo: { name: 'a', version: '1' } }
const FORGOTTEN = {
  code: -32000,
  message: 'it does not know the session any more',
  data: { code: 'session-forgotten' },
}
const call = (id: number): RpcMessage => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'pay' } })

/** A session with a server that initialises by itself; the rest a test says. */
interface FakeStream extends MessageStream {
  readonly sent: readonly RpcMessage[]
  say(message: RpcMessage, facts?: LineFacts): void
  die(reason: string): void
}

const fakeStream = (): FakeStream => {
  const sent: RpcMessage[] = []
  let listener: (line: string, facts?: LineFacts) => void = () => {}
  let end: (exit: Exit) => void = () => {}
  const exited = new Promise<Exit>((resolve) => {
    end = resolve
  })
  const say = (message: RpcMessage, facts?: LineFacts) => listener(JSON.stringify(message), facts)
  return {
    sent,
    exited,
    say,
    send(text) {
      const message = JSON.parse(text) as RpcMessage
      if (message.method === 'initialize' && message.id !== undefined)
        say(resultOf(message.id, { protocolVersion: '2025-11-25', capabilities: {} }))
      else if (message.id !== undefined) sent.push(message)
      return true
    },
    onLine: (heard) => {
      listener = heard
    },
    log: () => {},
    die: (reason) => end({ reason }),
    stop: async () => end({ reason: 'it was stopped' }),
  }
}

let pool: SessionPool
afterEach(() => pool.close())

/** A client's session whose server sessions are those of a test, in the order in which they begin. */
const begin = () => {
  const streams: FakeStream[] = []
  const delivered: RpcMessage[] = []
  const finished: FinishedCall[] = []
  const open = async (): Promise<MessageStream> => {
    const stream = fakeStream()
    streams.push(stream)
    return stream
  }
  pool = new SessionPool({ maxSessions: 9, minIdle: 0, names: {}, logger: silent, open, stopGraceMs: 10 })
  const session = new DedicatedSession(
    CLIENT,
    {
      deliver: (message) => delivered.push(message),
      finished: (each) => finished.push(each),
      draining: () => {},
      ended: () => {},
    },
    { subscriptions: new Set() },
    {
      upstream: { instance: 'i1', server: 'shop' } as Upstream,
      pool,
      logger: silent,
      redact: (text) => text,
      idleTimeoutMs: 60_000,
      left: () => {},
    },
  )
  /** The nth session, once it was sent so many requests. */
  const stream = async (nth: number, requests: number): Promise<FakeStream> =>
    await vi.waitFor(() => {
      expect(streams[nth]?.sent).toHaveLength(requests)
      return streams[nth] as FakeStream
    })
  return { session, streams, delivered, finished, stream }
}

it('sends a call that found its session forgotten once more, in another', async () => {
  const { session, delivered, finished, stream } = begin()
  session.send(call(1))
  const first = await stream(0, 1)
  first.say(errorOf(1, FORGOTTEN), { forgotten: true })
  first.die('it does not know the session any more')
  const second = await stream(1, 1)
  expect(second.sent).toEqual([call(1)])
  second.say(resultOf(1, { paid: true }))
  expect(delivered).toEqual([resultOf(1, { paid: true })])
  expect(finished).toMatchObject([{ outcome: 'ok' }])
})

it('does not send it a third time: in the other session it may have run', async () => {
  const { session, streams, delivered, stream } = begin()
  session.send(call(1))
  const first = await stream(0, 1)
  first.say(errorOf(1, FORGOTTEN), { forgotten: true })
  first.die('it does not know the session any more')
  const second = await stream(1, 1)
  second.die('the connection was lost')
  await vi.waitFor(() => expect(delivered).toMatchObject([{ id: 1, error: { data: { code: 'server-ended' } } }]))
  expect(streams).toHaveLength(2)
})

it('tells the client when the other session is forgotten as well', async () => {
  const { session, delivered, stream } = begin()
  session.send(call(1))
  for (const nth of [0, 1]) {
    const each = await stream(nth, 1)
    each.say(errorOf(1, FORGOTTEN), { forgotten: true })
    each.die('it does not know the session any more')
  }
  await vi.waitFor(() => expect(delivered).toEqual([errorOf(1, FORGOTTEN)]))
})

it('answers the others with an error, and what is sent upon that goes to the new session', async () => {
  const { session, delivered, stream } = begin()
  session.send(call(1))
  session.send(call(2))
  const first = await stream(0, 2)
  const push = delivered.push.bind(delivered)
  vi.spyOn(delivered, 'push').mockImplementation((message) => {
    if (message.id === 2) session.send(call(3))
    return push(message)
  })
  first.say(errorOf(1, FORGOTTEN), { forgotten: true })
  first.die('it does not know the session any more')
  const second = await stream(1, 2)
  expect(second.sent).toEqual([call(1), call(3)])
  expect(delivered).toMatchObject([{ id: 2, error: { data: { code: 'server-ended' } } }])
})

it('takes the same words for an answer where the server itself says them', async () => {
  const { session, delivered, stream } = begin()
  session.send(call(1))
  const only = await stream(0, 1)
  only.say(errorOf(1, FORGOTTEN))
  expect(delivered).toEqual([errorOf(1, FORGOTTEN)])
})
