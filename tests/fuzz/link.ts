import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { concurrently, DEADLINE_MS, indexesOf, partsOf, type Report, type Selection } from './cases.ts'
import { createDice, type Dice, seedOf } from './dice.ts'
import { excerpt, type Finding } from './findings.ts'
import { hostileValue, jsonText } from './hostile.ts'
import { mutated, mutatedBytes } from './mutate.ts'
import type { Target } from './target.ts'

const FAMILY = 'link'

const CONCURRENCY = 4
/** How long the server gets to close a socket on which it was sent what it may as well ignore. */
const LISTEN_MS = 30

/** Sends what is no frame of the link, and what is no WebSocket, where mcplocal opens its links. */
export const fuzzLink = async (target: Target, selection: Selection): Promise<Report> => {
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  for (const [name, run] of Object.entries(PARTS)) {
    if (!partsOf(selection, [name]).includes(name)) continue
    const indexes = indexesOf(selection)
    counts.set(name, indexes.length)
    await concurrently(indexes, CONCURRENCY, async (next) => {
      for (let i = next(); i !== undefined; i = next()) {
        const { sent, what } = await run(createDice(seedOf(selection.seed, FAMILY, name, i)), target)
        if (what !== undefined) findings.push({ family: FAMILY, part: name, index: i, what, sent: excerpt(sent) })
      }
    })
  }
  return { counts, findings }
}

type Outcome = Promise<{ readonly sent: Buffer | string; readonly what?: string }>

const MESSAGE = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
const FRAMES: readonly object[] = [
  { type: 'message', server: 'everything', message: MESSAGE },
  { type: 'message', server: 'everything', message: { jsonrpc: '2.0', id: 1, result: {} } },
  { type: 'message', server: 'none', message: MESSAGE },
  { type: 'project', project: { name: 'demo', namespacing: 'always', servers: [] } },
]

/** A proper WebSocket with wrong texts on it. The server closes it or goes on; either way it must say so soon. */
const oddFrames = (dice: Dice, { server, token }: Target): Outcome => {
  const frame = dice.pick(FRAMES)
  const sent = dice.weighted<Buffer | string>([
    [5, () => jsonText(mutated(dice, frame))],
    [2, () => jsonText({ ...frame, message: hostileValue(dice), server: hostileValue(dice) })],
    [3, () => mutatedBytes(dice, jsonText(frame)).toString('utf8')],
    [1, () => mutatedBytes(dice, jsonText(frame))], // binary
    [0.1, () => 'x'.repeat(20 * 1024 * 1024)],
  ])
  return new Promise((resolve) => {
    const url = new URL('/api/v1/projects/demo/link', server)
    const socket = new WebSocket(url.href.replace('http', 'ws'), { headers: { authorization: `Bearer ${token}` } })
    const done = (what?: string): void => {
      clearTimeout(late)
      socket.terminate()
      resolve({ sent, ...(what === undefined ? {} : { what }) })
    }
    const late = setTimeout(() => done(`nothing came of it within ${DEADLINE_MS} ms`), DEADLINE_MS)
    let first = true
    socket.on('message', () => {
      // The first frame tells of the project: the link works. Then a ping shows that the server still listens.
      if (!first) return
      first = false
      socket.send(sent)
      socket.ping()
    })
    socket.on('pong', () => setTimeout(done, LISTEN_MS))
    socket.on('close', (code) => done(code === 1011 ? 'closed with 1011, an error of the server' : undefined))
    socket.on('error', (error) => done(`no link was made: ${error.message}`))
  })
}

/** A proper handshake, then bytes that are no WebSocket frames; or half a handshake. */
const oddBytes = (dice: Dice, { server, token }: Target): Outcome => {
  const key = randomBytes(16).toString('base64')
  const head = [
    'GET /api/v1/projects/demo/link HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Version: ${dice.pick(['13', '13', '13', '8', '99', 'x', ''])}`,
    `Sec-WebSocket-Key: ${dice.pick([key, key, key, 'x', '', 'x'.repeat(5_000)])}`,
    ...(dice.chance(0.2) ? [`Sec-WebSocket-Protocol: ${dice.pick(['a b', ',', 'x'.repeat(3_000)])}`] : []),
    ...(dice.chance(0.2) ? [`Sec-WebSocket-Extensions: ${dice.pick(['permessage-deflate; x', ';;', '"'])}`] : []),
  ].join('\r\n')
  const frame = dice.pick([
    [0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f], // not masked
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], // 2^64 bytes long
    [0x81, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0], // 256 MiB long
    [0xf1, 0x80, 0, 0, 0, 0], // reserved bits
    [0x83, 0x80, 0, 0, 0, 0], // an opcode there is not
    [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0], // a ping of 64 KiB
    [0x80, 0x80, 0, 0, 0, 0], // the end of what has not begun
    [0x88, 0x81, 0, 0, 0, 0, 0x03], // a close code of one byte
    [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x01], // a close code there is not
    [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], // no UTF-8
    Array.from({ length: 1 + dice.below(64) }, () => dice.below(256)),
  ])
  const sent = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), Buffer.from(frame)])
  return new Promise((resolve) => {
    const socket = connect({ host: server.hostname, port: Number(server.port) })
    let answer = ''
    const done = (what?: string): void => {
      clearTimeout(late)
      socket.destroy()
      resolve({ sent, ...(what === undefined ? {} : { what }) })
    }
    const late = setTimeout(() => done('neither answered nor closed'), DEADLINE_MS)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (/^HTTP\/1\.1 5/.test(answer)) done(`answered with ${answer.slice(0, 200)}`)
      // A frame that is not whole yet may be waited for; a whole wrong one is answered by a close.
      else if (answer.startsWith('HTTP/1.1 101')) setTimeout(done, LISTEN_MS)
      else if (answer.includes('}')) done(answer.includes('"code":') ? undefined : `no problem document: ${answer}`)
    })
    socket.on('error', () => done())
    socket.on('end', () => done(answer === '' ? 'closed without an answer' : undefined))
    socket.write(sent)
  })
}

const PARTS = { frames: oddFrames, bytes: oddBytes }
