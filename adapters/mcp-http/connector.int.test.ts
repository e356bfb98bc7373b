import { describe, expect, it, onTestFinished } from 'vitest'
import type { Lookup } from './connector.ts'
import { begin, streamTo } from './testing/begin.ts'
import { json, mcp, result, startServer } from './testing/http-server.ts'
import { INITIALIZE } from './testing/test-stream.ts'

const answering = mcp((asked, answer) => json(answer, result(asked)))

/** Names lead to these addresses: the next of the lists at each look, the last one from then on. */
const resolving = (...answers: string[][]): { lookup: Lookup; readonly looks: number } => {
  let looks = 0
  return {
    get looks() {
      return looks
    },
    lookup(_name, _options, callback) {
      const addresses = answers[Math.min(looks++, answers.length - 1)] ?? []
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  }
}

const refusalOf = async (url: string, part: Parameters<typeof streamTo>[1] = {}) => {
  const { error } = await streamTo(new URL(url), part).ask(1, 'initialize', INITIALIZE)
  return error
}

describe('no request goes to', () => {
  it.each([
    ['http://169.254.169.254/latest/meta-data', '169.254.169.254'],
    ['http://2852039166/', '169.254.169.254'],
    ['http://0xa9.0376.43518/', '169.254.169.254'],
    ['http://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe'],
    ['http://[fe80::1]/', 'fe80::1'],
    ['http://[fd00:ec2::254]:8080/', 'fd00:ec2::254'],
    ['http://0.0.0.0:1/', '0.0.0.0'],
    ['http://[::]:1/', '::'],
    ['http://224.0.0.251/', '224.0.0.251'],
    ['http://metadata.google.internal/', 'metadata.google.internal'],
    ['https://METADATA.google.internal./', 'metadata.google.internal.'],
  ])('%s', async (url, address) => {
    const error = await refusalOf(url)
    expect(error?.data).toMatchObject({
      code: 'address-refused',
      hint: expect.stringContaining('allowLinkLocal: true'),
    })
    expect(error?.message).toContain(`leads to ${address}, which is `)
  })

  it('a name that leads there, over either transport', async () => {
    const { lookup } = resolving(['169.254.169.254', 'fe80::1'])
    for (const transport of ['STREAMABLE_HTTP', 'SSE'] as const) {
      const error = await refusalOf('http://harmless.example/mcp', { lookup, transport })
      expect(error?.message).toBe(
        'http://harmless.example/mcp leads to 169.254.169.254, which is an address of cloud metadata: requests do not go there',
      )
    }
  })

  it('a name that leads there later: each connection is looked at', async () => {
    const server = await startServer(answering)
    onTestFinished(() => server.close())
    const names = resolving(['127.0.0.1'], ['169.254.169.254'])
    const url = new URL(`http://rebound.example:${server.url.port}/mcp`)
    const stream = streamTo(url, { lookup: names.lookup })
    expect((await stream.initialize()).error).toBeUndefined()
    // As many at once as need connections of their own.
    const calls = await Promise.all(Array.from({ length: 5 }, (_, i) => stream.ask(i, 'tools/list')))
    const refused = calls.filter(({ error }) => error !== undefined)
    expect(refused.length).toBeGreaterThan(0)
    for (const { error } of refused) expect(error?.data).toMatchObject({ code: 'address-refused' })
    expect(names.looks).toBeGreaterThan(1)
  })
})

describe('requests go to', () => {
  it('the other addresses of a name that leads there, too', async () => {
    const server = await startServer(answering)
    onTestFinished(() => server.close())
    const { lookup } = resolving(['169.254.169.254', '127.0.0.1'])
    const stream = streamTo(new URL(`http://both.example:${server.url.port}/mcp`), { lookup })
    expect((await stream.initialize()).error).toBeUndefined()
  })

  it('where they are allowed to go', async () => {
    const { server } = await begin(answering)
    const url = new URL(`http://0.0.0.0:${server.url.port}/mcp`)
    expect((await refusalOf(url.href))?.data).toMatchObject({ code: 'address-refused' })
    const stream = streamTo(url, { allowLinkLocal: true })
    expect((await stream.initialize()).error).toBeUndefined()
  })

  it('IPv6 addresses of this machine', async () => {
    const server = await startServer(answering, { host: '::1' })
    onTestFinished(() => server.close())
    const stream = streamTo(server.url)
    expect((await stream.initialize()).error).toBeUndefined()
  })
})
