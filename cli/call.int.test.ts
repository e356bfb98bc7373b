import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../proxy/testing/fake-server.ts'
import { type Local, startLocal } from '../proxy/testing/local.ts'
import { interrupted } from './errors.ts'
import { startEverything } from './testing/everything.ts'
import { TOKEN } from './testing/fake-mcpd.ts'
import { CTRL_C, type Surroundings, World } from './testing/world.ts'

const inputSchema = { type: 'object', properties: { text: { type: 'string' }, count: { type: 'number' } } }
const picture = Buffer.alloc(1500, 7).toString('base64')

let server: FakeServer
let onQuestion = (): void => {}
let world = new World()
let local: Local
beforeEach(async () => {
  server = new FakeServer('a')
    .on('tools/list', () => ({
      tools: [
        { name: 'echo', description: 'Says it again. Loudly.', inputSchema },
        { name: 'media', inputSchema: { type: 'object' } },
        {
          name: 'promise',
          inputSchema: { type: 'object' },
          outputSchema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
        },
        { name: 'slow', inputSchema: { type: 'object' } },
        { name: 'ask', inputSchema: { type: 'object' } },
        { name: 'open', inputSchema: { type: 'object' } },
        { name: 'leave', inputSchema: { type: 'object' } },
        { name: 'need', inputSchema: { type: 'object', required: ['text'] } },
        {
          name: 'endless',
          inputSchema: { type: 'object' },
          outputSchema: { properties: { x: { pattern: '^(a+)+$' } } },
        },
      ],
    }))
    .on('tools/call', async ({ params, signal, notify, ask }) => {
      const given = params.arguments as { text?: string }
      const meta = params._meta as { progressToken?: string } | undefined
      if (params.name === 'media')
        return {
          content: [
            { type: 'text', text: 'clean\u001b[2J' },
            { type: 'image', data: picture, mimeType: 'image/png' },
            { type: 'audio', data: '', mimeType: 'audio/wav' },
            { type: 'resource', resource: { uri: 'x://y/../notes', mimeType: 'text/plain', text: 'inside' } },
            { type: 'resource_link', uri: 'x://z', name: 'z', size: 5 },
            { type: 'future', of: 'MCP' },
          ],
        }
      if (params.name === 'promise') return { content: [{ type: 'text', text: 'n' }], structuredContent: { n: 'one' } }
      if (params.name === 'slow') {
        if (meta?.progressToken !== undefined)
          notify('notifications/progress', {
            progressToken: meta.progressToken,
            progress: 1,
            total: 3,
            message: `a\u001b[2Jb${'é'.repeat(100)}`,
          })
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      }
      if (params.name === 'ask') {
        const properties = {
          name: { type: 'string' },
          age: { type: 'integer', minimum: 1 },
          nick: { type: 'string', default: 'x' },
        }
        const answer = await ask('elicitation/create', {
          message: 'Who are you?',
          requestedSchema: { type: 'object', properties, required: ['name', 'age'] },
        })
        return { content: [{ type: 'text', text: JSON.stringify(answer.result ?? answer.error) }] }
      }
      if (params.name === 'leave') {
        const asked = { message: 'Still there?', requestedSchema: { type: 'object', properties: {} } }
        await new Promise<void>((resolve) => {
          onQuestion = resolve
          void ask('elicitation/create', asked)
          void ask('elicitation/create', asked)
        })
        return { content: [{ type: 'text', text: 'gone' }] }
      }
      if (params.name === 'endless') return { content: [], structuredContent: { x: `${'a'.repeat(40)}!` } }
      if (params.name === 'open') {
        const asked = { mode: 'url', elicitationId: '1', url: 'https://example.com/pay', message: 'Pay' }
        const answer = await ask('elicitation/create', asked)
        return { content: [{ type: 'text', text: JSON.stringify(answer.result) }] }
      }
      return {
        content: [{ type: 'text', text: JSON.stringify(given) }],
        ...(given.text === 'fail' ? { isError: true } : {}),
      }
    })
  world = new World()
  await world.start()
  local = await startLocal(new FakeMcpd().project('demo', { servers: [server] }).project('empty', { servers: [] }))
})
afterEach(async () => {
  await local.close()
  await world.stop()
})

const env = () => ({ MCPCTL_MCPLOCAL: local.local.url, MCPCTL_TOKEN: BEARER })
const call = (...argv: string[]) => world.run(['call', ...argv], { env: env() })
const around = (more: Surroundings, ...argv: string[]) => world.run(['call', ...argv], { env: env(), ...more })

describe('call', () => {
  it('lists the tools of a project', async () => {
    expect(await call('demo')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^TOOL +DESCRIPTION\na__echo +Says it again\.\n/),
      err: '',
    })
  })

  it('calls a tool; arguments are what its schema says they are', async () => {
    expect((await call('demo', 'a__echo', '--arg', 'text=5', '--arg', 'count=5')).out).toBe('{"text":"5","count":5}\n')
    expect((await call('demo', 'a__echo', '--args-json', '{"x": [1]}')).out).toBe('{"x":[1]}\n')
    expect((await call('demo', 'a__echo', '--arg', 'count=no', '--no-check')).out).toBe('{"count":"no"}\n')
  })

  it('sends nothing that does not fit', async () => {
    const { code, err } = await call('demo', 'a__echo', '--arg', 'cuont=5')
    expect([code, err]).toEqual([2, 'error: the tool has no argument cuont\nhint: Did you mean "count"?\n'])
    expect(server.methods()).not.toContain('tools/call')
  })

  it('exits with 1 when the tool answers with an error', async () => {
    expect(await call('demo', 'a__echo', '--arg', 'text=fail')).toMatchObject({ code: 1, out: '{"text":"fail"}\n' })
  })

  it('says which tool was probably meant', async () => {
    expect((await call('demo', 'a__ehco')).err).toContain('Did you mean "a__echo"?')
  })

  it('shows what is no text as what it is, and a terminal nothing that it would obey', async () => {
    const text = [
      '[image image/png 1.5 KiB]',
      '[audio audio/wav 0 B]',
      '[resource x://y/../notes text/plain 6 B]',
      'inside',
      '[link x://z z 5 B]',
      '{\n  "type": "future",\n  "of": "MCP"\n}',
    ].join('\n')
    expect(await call('demo', 'a__media')).toEqual({ code: 0, out: `clean\u001b[2J\n${text}\n`, err: '' })
    expect((await around({ outIsTTY: true }, 'demo', 'a__media')).out).toBe(`clean\\x1b[2J\n${text}\n`)
    expect(JSON.parse((await call('demo', 'a__media', '-o', 'json')).out).content).toHaveLength(6)
  })

  it('keeps what is no text in a folder, and leaves what is there alone', async () => {
    const folder = join(world.folder, 'kept')
    const { out } = await call('demo', 'a__media', '-D', folder)
    expect(out).toContain(`[image image/png 1.5 KiB] → ${folder}/image.png`)
    await call('demo', 'a__media', '-D', folder)
    expect((await readdir(folder)).sort()).toEqual([
      'audio-2.wav',
      'audio.wav',
      'image-2.png',
      'image.png',
      'notes-2.txt',
      'notes.txt',
    ])
    expect((await readFile(join(folder, 'image.png'))).toString('base64')).toBe(picture)
    const file = await world.file('file', '')
    expect(await call('demo', 'a__media', '-D', join(file, 'x'))).toMatchObject({ code: 1, out: '' })
  })

  it('says that an answer is not what the tool promises, after it', async () => {
    expect(await call('demo', 'a__promise')).toEqual({
      code: 1,
      out: 'n\n',
      err: 'error: a__promise does not answer what it promises: structuredContent.n must be integer\nhint: Agents may refuse such an answer; it is a fault of the server\n',
    })
  })

  it('shows progress on a terminal; Ctrl-C cancels the call at the server', async () => {
    const stop = new AbortController()
    const onNote = (text: string) => text.includes('1/3') && stop.abort()
    const ran = await around({ signal: stop.signal, notesAreTTY: true, onNote }, 'demo', 'a__slow')
    expect(ran).toMatchObject({ code: 130, out: '' })
    expect(ran.err).toBe(`\r\x1b[K${'1/3 a\\x1b[2Jb'.padEnd(78, 'é')}…\n`)
    await vi.waitFor(() => expect(server.methods()).toContain('notifications/cancelled'))
    await vi.waitFor(() => expect(local.local.sessions()).toBe(0))
  })

  it('puts to a person what the server asks for, and tells the server that nobody is there otherwise', async () => {
    const answers = {
      'Answer the server?': 'yes',
      'name (string)': 'Ada',
      'age (integer)': '36',
      'nick (string; default "x"; may be left empty)': '',
    }
    const ran = await around({ terminal: true, answers }, 'demo', 'a__ask')
    expect(JSON.parse(ran.out)).toEqual({ action: 'accept', content: { name: 'Ada', age: 36, nick: 'x' } })
    expect(ran.err).toBe('The server asks: Who are you?\n')
    expect((await around({ terminal: true }, 'demo', 'a__ask')).out).toBe('{"action":"decline"}\n')
    const wrong = await around({ terminal: true, answers: { ...answers, 'age (integer)': '0' } }, 'demo', 'a__ask')
    expect([wrong.out, wrong.err]).toEqual(['{"action":"cancel"}\n', expect.stringContaining('age must be >= 1')])
    expect((await call('demo', 'a__ask')).out).toContain('"code":')
  })

  it('asks nobody who would not see the question', async () => {
    const away: Surroundings = { terminal: true, notesAreTTY: false, answers: { 'Answer the server?': 'yes' } }
    expect((await around(away, 'demo', 'a__ask')).out).toContain('"code":')
    expect(await around(away, 'demo', 'a__need')).toMatchObject({ code: 2, err: expect.stringContaining('needs text') })
  })

  it('puts one question at a time, and takes it back when nobody waits for the answer', async () => {
    let [open, most] = [0, 0]
    const confirm = async (_question: string, signal?: AbortSignal): Promise<boolean> => {
      open += 1
      most = Math.max(most, open)
      onQuestion()
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      open -= 1
      throw interrupted()
    }
    const ran = await around({ terminal: true, confirm }, 'demo', 'a__leave')
    expect(ran).toMatchObject({ code: 0, out: 'gone\n' })
    await vi.waitFor(() => expect([open, most]).toEqual([0, 1]))
  })

  it('does not wait for ever for a schema of the server', async () => {
    const { code, err } = await call('demo', 'a__endless')
    expect([code, err]).toEqual([1, expect.stringContaining('its output schema cannot be used: it takes too long')])
  })

  it('ends when it is interrupted at a question', async () => {
    const ran = await around({ terminal: true, answers: { 'Answer the server?': CTRL_C } }, 'demo', 'a__ask')
    expect([ran.code, ran.out]).toEqual([130, ''])
    await vi.waitFor(() => expect(server.methods()).toContain('notifications/cancelled'))
  })

  it('shows the page that the server wants opened, and asks', async () => {
    const question = 'Open that page yourself, and tell the server that you do?'
    const ran = await around({ terminal: true, answers: { [question]: 'yes' } }, 'demo', 'a__open')
    expect([ran.out, ran.err]).toEqual(['{"action":"accept"}\n', 'The server asks: Pay\n  https://example.com/pay\n'])
    expect((await around({ terminal: true }, 'demo', 'a__open')).out).toBe('{"action":"decline"}\n')
  })
})

describe('what goes wrong is told', () => {
  it('mcplocal is away', async () => {
    const env = { MCPCTL_MCPLOCAL: 'http://127.0.0.1:9' }
    expect(await world.run(['call', 'demo'], { env })).toMatchObject({
      code: 3,
      err: expect.stringContaining('mcpctl up'),
    })
  })

  it('nobody is logged in, or the token is not known', async () => {
    const run = (token: string) => world.run(['call', 'demo'], { env: { ...env(), MCPCTL_TOKEN: token } })
    expect(await run('')).toMatchObject({ code: 4, err: expect.stringContaining('nobody is logged in') })
    expect(await run('wrong')).toMatchObject({ code: 4, err: expect.stringContaining('the token is not valid') })
    const broken = await run('two\nlines')
    expect([broken.code, broken.err.includes('lines')]).toEqual([2, false])
  })

  it('there is no such project, but one that is called nearly so', async () => {
    await world.given('projects: [{ name: demo, servers: [] }]')
    local.mcpd.bearers.add(TOKEN)
    const ask = (server?: string) =>
      world.run(['call', 'dmeo'], {
        env: { MCPCTL_MCPLOCAL: local.local.url, ...(server === undefined ? {} : { MCPCTL_SERVER: server }) },
      })
    expect(await ask()).toEqual({
      code: 1,
      out: '',
      err: 'error: project/dmeo does not exist\nhint: Did you mean "demo"?\n',
    })
    expect(await ask('http://127.0.0.1:9')).toMatchObject({ code: 1, err: expect.stringContaining('does not exist') })
  })

  it('the server of a tool is unavailable', async () => {
    await call('demo')
    server.state = 'unavailable'
    server.reason = 'it is starting'
    local.mcpd.update('demo')
    expect(await call('demo', 'a__echo')).toMatchObject({ code: 1 })
  })

  it('something else listens there', async () => {
    const other = createServer((_, response) => response.writeHead(404).end('<h1>nothing</h1>'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    expect(await world.run(['call', 'demo'], { env: { ...env(), MCPCTL_MCPLOCAL: url } })).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not mcplocal: it answers with HTTP 404'),
    })
    other.close()
  })
})

describe('the everything server, behind a real mcpd', () => {
  let real: Local
  beforeAll(async () => {
    real = await startEverything()
  })
  afterAll(() => real.close())
  const run = (argv: readonly string[], more: Surroundings = {}) =>
    world.run(['call', 'demo', ...argv], { env: { MCPCTL_MCPLOCAL: real.local.url, MCPCTL_TOKEN: BEARER }, ...more })

  it('gets numbers, choices and objects as they are', async () => {
    expect((await run(['everything__get-sum', '--arg', 'a=19', '--arg', 'b=23'])).out).toBe(
      'The sum of 19 and 23 is 42.\n',
    )
    expect((await run(['everything__get-structured-content', '--arg', 'location=Chicgo'])).err).toContain(
      'Did you mean "Chicago"?',
    )
    const weather = await run(['everything__get-structured-content', '--arg', 'location=Chicago', '-o', 'json'])
    expect(JSON.parse(weather.out)).toMatchObject({ structuredContent: { humidity: 82 } })
    expect((await run(['everything__get-sum', '--arg', 'a=1'])).err).toContain('everything__get-sum needs b')
  })

  it('shows pictures as what they are', async () => {
    expect((await run(['everything__get-tiny-image'])).out).toMatch(/\n\[image image\/png [\d.]+ K?i?B\]\n/)
  })

  it('reports progress', async () => {
    const long = ['everything__trigger-long-running-operation', '--arg', 'duration=0.2', '--arg', 'steps=4']
    const { out, err } = await run(long, { notesAreTTY: true })
    expect(out).toContain('Long running operation completed')
    expect(err).toContain('\r\u001b[K4/4')
    expect((await run(long)).err).toBe('')
  })
})
