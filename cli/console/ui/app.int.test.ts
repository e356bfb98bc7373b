import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { FakeMcpd } from '../../../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../../../proxy/testing/fake-server.ts'
import { startDemo, startLocal } from '../../../proxy/testing/local.ts'
import { widthOf } from '../../output/cells.ts'
import { keys, plain, showOn } from '../testing/terminal.ts'

const tool = (name: string, more: JsonObject = {}): JsonObject => ({ name, inputSchema: { type: 'object' }, ...more })
const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' }, loud: { type: 'boolean' }, times: { type: 'integer' } },
  required: ['text'],
}

const echoing = (...tools: JsonObject[]) =>
  new FakeServer('a')
    .on('tools/list', () => ({ tools }))
    .on('tools/call', ({ params }) => ({ content: [{ type: 'text', text: JSON.stringify(params.arguments ?? {}) }] }))

/** What a terminal would obey: nothing of it may be drawn, but for the looks that the console itself gives. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what this is about
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u

describe('the console', () => {
  it('lists the tools, finds one, asks for its arguments and shows what it answers', async () => {
    const local = await startDemo([echoing(tool('echo', { description: 'Says it again', inputSchema }), tool('other'))])
    const shown = await showOn(local)
    await shown.sees('Tools 2')
    await shown.sees('Says it again')
    await shown.press('/', 'ech', keys.enter)
    await shown.sees('1 of 2')
    await shown.press(keys.enter)
    await shown.sees('text*')
    await shown.press(keys.ctrlR)
    await shown.sees('is needed ("" for an empty text)')
    await shown.press('héllo', keys.enter, ' ', keys.enter, 'x', keys.ctrlR)
    await shown.sees('must be a whole number')
    await shown.press(keys.ctrlU, '3', keys.ctrlR)
    await shown.sees(/a__echo\s+ok/)
    await shown.sees(String.raw`"{\"text\":\"héllo\",\"loud\":true,\"times\":3}"`)
    await shown.press(keys.escape)
    await shown.sees('héllo') // what was typed is still there
  })

  it('gets prompts, reads resources and completes the URI of a template', async () => {
    const server = new FakeServer('a', { prompts: {}, resources: {} })
      .on('prompts/list', () => ({ prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }] }] }))
      .on('prompts/get', ({ params }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `Hello ${JSON.stringify(params.arguments)}` } }],
      }))
      .on('resources/list', () => ({ resources: [{ uri: 'memo://1', name: 'one', description: 'A memo' }] }))
      .on('resources/templates/list', () => ({ resourceTemplates: [{ uriTemplate: 'memo://{id}', name: 'any' }] }))
      .on('resources/read', ({ params }) => ({ contents: [{ uri: params.uri ?? '', text: `read ${params.uri}` }] }))
    const shown = await showOn(await startDemo([server]))
    await shown.sees('Resources 2')
    await shown.press('2', keys.enter, 'you', keys.ctrlR)
    await shown.sees(String.raw`Hello {\"who\":\"you\"}`)
    await shown.press('3')
    await shown.sees('A memo')
    await shown.press(keys.enter)
    await shown.sees('read memo://1')
    await shown.press(keys.escape, keys.down, keys.enter)
    await shown.sees('uri*')
    await shown.press(keys.ctrlU, 'memo://7', keys.ctrlR)
    await shown.sees('read memo://7')
  })

  it('shows what another session says: filtered, paused, in full, with its other half', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    const shown = await showOn(local)
    await shown.sees('live')
    const { client } = await local.client()
    await client.callTool({ name: 'a__echo', arguments: { secret: 'treasure' } })
    await client.callTool({ name: 'a__nothing' }).catch(() => {})
    await shown.press('4')
    await shown.sees(/client +→ tools\/call a__echo/)
    await shown.sees(/a +← result of tools\/call/)
    await shown.press('e')
    await shown.sees('errors only')
    expect(shown.screen()).toContain('error of tools/call')
    expect(shown.screen()).not.toContain('result of')
    await shown.press(keys.escape, '/', 'treasure side:client', keys.enter)
    await shown.sees(/filter treasure side:client\s+2 of/)
    await shown.press(keys.up, keys.enter)
    await shown.sees('secret: "treasure"')
    expect(shown.screen()).toMatch(/session \S{8} \(test 1\)/)
    await shown.press('a')
    await shown.sees('result of tools/call')
    await shown.sees(/client ←.*ms/)
    await shown.press(keys.escape, ' ')
    await shown.sees('paused, 0 more since')
    await client.callTool({ name: 'a__echo', arguments: { secret: 'treasure' } })
    await shown.sees('paused, 4 more since')
    await shown.press(' ')
    await shown.sees(/4 of \d+/)
    await shown.press(keys.escape, 'c')
    await shown.sees('Nothing has passed yet')
  })

  it('marks sessions: its own, and those that have ended', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    const shown = await showOn(local)
    await shown.sees('live')
    const { client, transport } = await local.client()
    await client.callTool({ name: 'a__echo' })
    const id = transport.sessionId?.slice(0, 5)
    await shown.press('4')
    await shown.sees(`${id}  client`)
    await transport.terminateSession()
    await shown.sees(`${id}× client`)
    await shown.press(keys.escape, 'g')
    await shown.sees(/\S{5}\* /)
  })

  it('sends a client’s request again: at once when it only reads, else after it was asked', async () => {
    const reading = tool('read', { annotations: { readOnlyHint: true } })
    const server = echoing(reading, tool('write'))
    const local = await startDemo([server])
    const shown = await showOn(local)
    await shown.sees('Tools 2')
    const { client } = await local.client()
    const calls = () => server.got.filter(({ method }) => method === 'tools/call').length
    await client.callTool({ name: 'a__read', arguments: { path: 'x' } })
    await shown.press('4', '/', 'method:tools/call a__read', keys.enter)
    await shown.sees('→ tools/call a__read')
    await shown.press(keys.end, 'r')
    await shown.sees(/replay of tools\/call\s+ok/)
    expect(calls()).toBe(2)
    await client.callTool({ name: 'a__write', arguments: { path: 'y' } })
    await shown.press(keys.escape, '/', keys.ctrlU, 'method:tools/call a__write', keys.enter)
    await shown.sees('→ tools/call a__write')
    await shown.press(keys.end, 'r')
    await shown.sees('It may change something')
    await shown.press('n')
    expect(calls()).toBe(3)
    await shown.press('r', 'y')
    await shown.sees(/replay of tools\/call\s+ok/)
    expect(calls()).toBe(4)
  })

  it('copies a request as curl, without the token', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    const shown = await showOn(local)
    const { client } = await local.client()
    await shown.sees('live')
    await client.callTool({ name: 'a__echo', arguments: { x: 1 } })
    await shown.press('4', '/', 'side:client method:tools/call', keys.enter)
    await shown.sees('← result of tools/call')
    await shown.press(keys.end, 'y')
    await shown.sees('Only requests of clients can be repeated')
    await shown.press(keys.up, 'y')
    await shown.sees('the token is $MCPCTL_TOKEN')
    expect(shown.copied[0]).toContain('"arguments":{"x":1}')
    expect(shown.copied[0]).not.toContain('secret-token')
    await shown.press('w')
    await shown.sees('Written to /somewhere/request.sh')
  })
})

describe('text of servers', () => {
  const evil = (name: string): string =>
    `${name}\x1b]0;owned\x07\x1b[2J\u009b31m\r\n\u202egnp\u200b\u{e0041}\ufeffx\u0301\u0302\u0303\u0304\u0305`

  it('is never obeyed by the terminal, wherever it is shown', async () => {
    const properties = { [evil('arg')]: { type: 'string', description: evil('about') } }
    const hostile = tool(evil('tool'), { description: evil('does'), inputSchema: { type: 'object', properties } })
    const server = new FakeServer('a')
      .on('tools/list', () => ({ tools: [hostile] }))
      .on('tools/call', () => ({
        content: [{ type: 'text', text: `${evil('first')}\n${evil('second')}` }],
        [evil('key')]: evil('value'),
      }))
    const local = await startDemo([server])
    for (const size of [{ columns: 80 }, { columns: 140, rows: 40 }]) {
      const shown = await showOn(local, size)
      await shown.sees('a__tool')
      await shown.press(keys.enter)
      await shown.sees('arg')
      await shown.press(keys.ctrlR)
      await shown.sees('second')
      await shown.press('e', '4', '/', 'side:client second', keys.enter)
      await shown.sees(/client +← result of tools\/call/)
      await shown.press(keys.end, keys.enter)
      await shown.sees('result of tools/call')
      await shown.press('e')
      await shown.sees('second')
      expect(shown.frames.length).toBeGreaterThan(8)
      for (const frame of shown.frames) {
        expect(plain(frame)).not.toMatch(OBEYED)
        for (const line of plain(frame).split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(size.columns)
      }
    }
  })

  it('is not obeyed in errors and reasons, either', async () => {
    const server = echoing(tool('echo')).on('tools/call', () => {
      throw new Error(evil('failed'))
    })
    const b = new FakeServer('b')
    b.state = 'unavailable'
    b.reason = evil('crashed')
    const shown = await showOn(await startDemo([server, b]))
    await shown.sees('b is unavailable: crashed')
    await shown.sees('a__echo')
    await shown.press(keys.enter, keys.ctrlR)
    await shown.sees('failed')
    await shown.press('4')
    await shown.sees('error of tools/call')
    for (const frame of shown.frames) expect(plain(frame)).not.toMatch(OBEYED)
  })
})

describe('the terminal', () => {
  it.each([
    [80, 24],
    [60, 15],
    [40, 12],
    [120, 40],
    [200, 60],
  ])('may have %i columns and %i rows', async (columns, rows) => {
    const many = Array.from({ length: 50 }, (_, i) =>
      tool(`a-tool-with-a-rather-long-name-${i}`, { description: '你好 '.repeat(40) }),
    )
    const local = await startDemo([echoing(...many)])
    const shown = await showOn(local, { columns, rows })
    await shown.sees('Tools 50')
    for (const key of ['2', '3', '4', '?', 'x', '1', keys.enter]) await shown.press(key)
    await shown.sees('[ Call ]')
    for (const frame of shown.frames) {
      const lines = plain(frame).split('\n')
      expect(lines.length).toBeLessThan(rows)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
    }
  })

  it('may be resized, also to what is too small', async () => {
    const shown = await showOn(await startDemo([echoing(tool('echo', { description: 'Says it' }))]))
    await shown.sees('Tools 1')
    shown.resize(130, 30)
    await shown.sees('│ Says it')
    shown.resize(30, 8)
    await shown.sees('30×8 is too small')
    shown.resize(80, 24)
    await shown.sees('enter call')
  })

  it('gets no colours when it wants none', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    const shown = await showOn(local, { coloured: false })
    await shown.sees('Tools 1')
    await shown.press('4', keys.enter)
    await shown.sees('jsonrpc')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what this is about
    for (const frame of shown.frames) expect(frame).not.toMatch(/\x1b\[(3[0-7]|38|9[0-7]|4[0-7]|48)/)
  })

  it('is left with q, and with Ctrl-C', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    for (const key of ['q', '\x03']) {
      const shown = await showOn(local)
      await shown.sees('Tools 1')
      await shown.press(key)
      await shown.over
    }
  })
})

describe('when something goes away', () => {
  it('mcpd: says so, and that it is there again', async () => {
    const local = await startDemo(
      [echoing(tool('echo'))],
      {},
      {
        sessionLimits: { redialFirstMs: 400, redialLastMs: 400 },
      },
    )
    const shown = await showOn(local)
    await shown.sees('live')
    local.mcpd.breakLinks()
    await shown.sees('mcplocal has lost mcpd')
    await shown.sees('live')
  })

  it('mcplocal: says so, and goes on with another one in its place', async () => {
    const mcpd = new FakeMcpd().project('demo', { servers: [echoing(tool('echo'))] })
    const local = await startLocal(mcpd)
    const shown = await showOn(local)
    await shown.sees('Tools 1')
    await shown.sees('live')
    await local.close()
    await shown.sees('trying again')
    const again = await startLocal(mcpd, { port: local.local.port })
    try {
      await shown.sees('live')
      await shown.press(keys.enter, keys.ctrlR)
      await shown.sees(/a__echo\s+ok/)
      await vi.waitFor(() => expect(again.local.sessions()).toBe(1))
    } finally {
      await again.close()
    }
  })

  it('the right to watch: says so, and does not try again', async () => {
    const local = await startDemo([echoing(tool('echo'))])
    const shown = await showOn(local)
    await shown.sees('live')
    local.mcpd.bearers.clear()
    local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await shown.sees('the token was revoked')
    const { dials } = local.mcpd
    await shown.press('4', '1')
    await shown.sees('Tools')
    expect(local.mcpd.dials - dials).toBeLessThanOrEqual(1)
  })
})
