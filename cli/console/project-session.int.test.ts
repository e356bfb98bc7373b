import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { loadConfig } from '../config-file.ts'
import { good, scripted } from '../testing/scripted-endpoint.ts'
import { ProjectSession } from './project-session.ts'

let stop = new AbortController()
beforeEach(() => {
  stop = new AbortController()
})
afterEach(() => stop.abort())

/** A session with an endpoint that is told what to answer to each method: a result, or a JSON-RPC error with its status. */
const sessionWith = async (odd: (method: string) => { status: number; code: string } | undefined) => {
  const url = await scripted((message, request) => {
    const refused = odd(String(message.method))
    if (refused === undefined) return good()(message, request)
    const error = { code: -32000, message: refused.code, data: { code: refused.code } }
    return { status: refused.status, body: { jsonrpc: '2.0', id: message.id, error } }
  })
  const config = loadConfig({ MCPCTL_HOME: '/nowhere', MCPCTL_MCPLOCAL: new URL(url).origin, MCPCTL_TOKEN: 'token' })
  const session = new ProjectSession(
    { config },
    'demo',
    stop.signal,
    () => {},
    () => 0,
  )
  await session.open()
  expect(session.state.state).toBe('ready')
  return session
}

it('a request whose session is forgotten, and that gets no other one, says so', async () => {
  let isRevoked = false
  const session = await sessionWith((method) => {
    if (!isRevoked) return undefined
    return method === 'initialize' ? { status: 403, code: 'forbidden' } : { status: 404, code: 'session-unknown' }
  })
  isRevoked = true
  await expect(session.request('tools/call', { name: 'one' })).rejects.toThrow('session-unknown')
  expect(session.state).toMatchObject({ state: 'refused' })
})

it('a session that is lost again and again leaves nothing behind', async () => {
  let isForgotten = false
  const warned = vi.fn()
  process.on('warning', warned)
  const session = await sessionWith((method) => {
    if (method !== 'ping' || !isForgotten) return undefined
    isForgotten = false
    return { status: 404, code: 'session-unknown' }
  })
  for (let i = 0; i < 12; i += 1) {
    isForgotten = true
    await session.check()
  }
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', warned)
  expect(warned).not.toHaveBeenCalled()
})
