import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BEARER, FakeMcpd } from '../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../proxy/testing/fake-server.ts'
import { type Local, startLocal } from '../proxy/testing/local.ts'
import { World } from './testing/world.ts'

const inputSchema = { type: 'object', properties: { text: { type: 'string' }, count: { type: 'number' } } }
const server = () =>
  new FakeServer('a')
    .on('tools/list', () => ({ tools: [{ name: 'echo', description: 'Says it again. Loudly.', inputSchema }] }))
    .on('tools/call', ({ params }) => {
      const given = params.arguments as { text?: string }
      return {
        content: [{ type: 'text', text: JSON.stringify(given) }],
        ...(given.text === 'fail' ? { isError: true } : {}),
      }
    })

let world = new World()
let local: Local
beforeEach(async () => {
  world = new World()
  await world.start()
  local = await startLocal(new FakeMcpd().project('demo', { servers: [server()] }))
})
afterEach(async () => {
  await local.close()
  await world.stop()
})

const call = (...argv: string[]) =>
  world.run(['call', ...argv], { env: { MCPCTL_MCPLOCAL: local.local.url, MCPCTL_TOKEN: BEARER } })

describe('call', () => {
  it('lists the tools of a project', async () => {
    expect(await call('demo')).toEqual({ code: 0, out: 'TOOL      DESCRIPTION\na__echo   Says it again.\n', err: '' })
  })

  it('calls a tool; arguments are what its schema says they are', async () => {
    expect((await call('demo', 'a__echo', '--arg', 'text=5', '--arg', 'count=5')).out).toBe('{"text":"5","count":5}\n')
    expect((await call('demo', 'a__echo', '--json', '{"x": [1]}')).out).toBe('{"x":[1]}\n')
  })

  it('exits with 1 when the tool answers with an error', async () => {
    expect(await call('demo', 'a__echo', '--arg', 'text=fail')).toMatchObject({ code: 1, out: '{"text":"fail"}\n' })
  })

  it('says which tool was probably meant', async () => {
    expect((await call('demo', 'a__ehco')).err).toContain('Did you mean "a__echo"?')
  })

  it('tells what does not answer, and what refuses', async () => {
    const env = { MCPCTL_MCPLOCAL: 'http://127.0.0.1:9' }
    expect(await world.run(['call', 'demo'], { env })).toMatchObject({
      code: 3,
      err: expect.stringContaining('mcpctl up'),
    })
    const wrong = { MCPCTL_MCPLOCAL: local.local.url, MCPCTL_TOKEN: 'wrong' }
    expect(await world.run(['call', 'demo'], { env: wrong })).toMatchObject({ code: 4 })
    expect(await call('nothing')).toMatchObject({ code: 1, err: expect.stringContaining('project/nothing') })
  })
})
