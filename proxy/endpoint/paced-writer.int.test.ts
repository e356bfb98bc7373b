import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PacedWriter, PIECE_CHARACTERS } from './paced-writer.ts'

let server: Server
let respond: (response: ServerResponse) => void = () => {}
beforeAll(async () => {
  server = createServer((_request, response) => respond(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

/** What a client gets of a response that `write` writes. */
const answer = (write: (writer: PacedWriter, response: ServerResponse) => void, stallMs = 10_000) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    respond = (response) => {
      response.writeHead(200)
      write(new PacedWriter(response, stallMs), response)
    }
    const { port } = server.address() as AddressInfo
    request({ port, host: '127.0.0.1' }, resolve).on('error', reject).end()
  })

const textOf = async (incoming: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const long = PIECE_CHARACTERS * 5

it('brings texts of any length whole and in their order', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          unit: fc.constantFrom('a', 'é', '𝒳'),
          length: fc.oneof(fc.nat(40), fc.nat(long)),
          odd: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
      async (shapes) => {
        // An odd start makes pieces end within characters of two units.
        const texts = shapes.map(({ unit, length, odd }) => `${odd ? '.' : ''}${unit.repeat(length)}`)
        const incoming = await answer((writer) => {
          for (const text of texts) writer.write(text)
          writer.end()
        })
        expect(await textOf(incoming)).toBe(texts.join(''))
      },
    ),
    { numRuns: 30 },
  ))

it('lets others have their turns within a long text', async () => {
  let turns = 0
  let over = false
  const turn = (): void => {
    turns += 1
    if (!over) setImmediate(turn)
  }
  const incoming = await answer((writer) => {
    writer.write('x'.repeat(50 * PIECE_CHARACTERS))
    writer.end()
    turn()
  })
  expect((await textOf(incoming)).length).toBe(50 * PIECE_CHARACTERS)
  over = true
  expect(turns).toBeGreaterThanOrEqual(50)
})

it('counts what waits behind the text that is being written, not that one', async () => {
  const waiting: number[] = []
  const incoming = await answer((writer) => {
    writer.write('x'.repeat(50 * PIECE_CHARACTERS))
    waiting.push(writer.waiting)
    writer.write('y'.repeat(3 * PIECE_CHARACTERS))
    waiting.push(writer.waiting)
    writer.end()
  })
  await textOf(incoming)
  expect(waiting[0]).toBeLessThan(2 * PIECE_CHARACTERS)
  expect((waiting[1] ?? 0) - (waiting[0] ?? 0)).toBe(3 * PIECE_CHARACTERS)
})

it('cuts a client off that takes nothing for too long', async () => {
  let closed: Promise<unknown> = Promise.resolve()
  const incoming = await answer((writer, response) => {
    closed = once(response, 'close')
    writer.write('x'.repeat(1000 * PIECE_CHARACTERS))
    writer.end()
  }, 50)
  incoming.on('error', () => {}) // it is cut off: that is what is looked at
  await closed
  expect(incoming.complete).toBe(false)
  incoming.destroy()
})
