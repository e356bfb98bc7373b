import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { NewId } from '../../domain/kernel/clock.ts'
import { type CodedError, coded } from '../../domain/kernel/errors.ts'
import { invalidRequest, problemOf } from './problem.ts'

/** 417: `Expect` asks for something else than `100-continue`. */
const expectationFailed = coded('expectation-failed', 417, 'What the header Expect asks for is not done', () => ({
  message: 'what the header Expect asks for is not done',
  hint: 'Only "Expect: 100-continue" is known; leave the header out',
}))

/** 426: a path that is a WebSocket was asked for like any other. */
export const upgradeRequired = coded('upgrade-required', 426, 'The path is a WebSocket', () => ({
  message: 'this path is a WebSocket',
  hint: 'mcplocal opens it; "mcpctl config" shows how an agent is connected',
}))

/** What Node and ws answer by themselves, each in its own way, before there is a request for the routes: problem documents, too. */
export interface Malformed {
  /** What Node's parser refuses. */
  readonly onClientError: (error: Error & { readonly code?: string }, socket: Duplex) => void
  /** The rest; after the WebSocket plugin is there. */
  guard(app: FastifyInstance): void
}

export const malformedRequests = (newId: NewId, meanings: ReadonlyMap<string, string>): Malformed => {
  const documentOf = (error: CodedError): string =>
    JSON.stringify(problemOf(error, meanings.get(error.code) ?? error.code, newId()))

  const answer = (error: CodedError, socket: Duplex): void => {
    if (!socket.writable) return void socket.destroy()
    const body = documentOf(error)
    const head = [
      `HTTP/1.1 ${error.status} Refused`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  }

  return {
    onClientError(error, socket) {
      if (error.code === 'ECONNRESET') return void socket.destroy()
      const tooLong = error.code === 'HPE_HEADER_OVERFLOW'
      answer(
        invalidRequest(tooLong ? 'the headers or the path are too long' : 'this is not a valid HTTP request'),
        socket,
      )
    },
    guard({ server, websocketServer }) {
      server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
        const error = expectationFailed()
        const body = documentOf(error)
        response.writeHead(error.status, {
          'content-type': 'application/problem+json',
          'content-length': Buffer.byteLength(body),
          connection: 'close',
        })
        response.end(body)
      })
      server.on('connect', (_request, socket) => {
        socket.on('error', () => socket.destroy()) // Node no longer listens to it
        answer(invalidRequest('mcpd is no proxy: CONNECT is not possible'), socket)
      })
      websocketServer.on('wsClientError', (error, socket) =>
        answer(invalidRequest(`this is no handshake of a WebSocket: ${error.message}`), socket),
      )
    },
  }
}
