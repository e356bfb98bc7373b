import type { RpcMessage } from '../../domain/mcp/link.ts'
import { isRequest, type RpcRequest } from '../../domain/mcp/rpc.ts'
import { Batch, batchRefused } from '../rpc/message.ts'
import { isProtocolVersion, negotiate, PROTOCOL_VERSIONS } from '../session/initialize.ts'
import { readMessage } from './body.ts'
import { ClientStreams } from './client-streams.ts'
import type { EventStore } from './event-store.ts'
import { acceptsOf, isJson } from './headers.ts'
import { HttpExchange } from './http-exchange.ts'
import type { EndpointLimits } from './limits.ts'
import type { Sessions } from './open-sessions.ts'
import {
  methodNotAllowed,
  notAcceptable,
  type Refusal,
  refusal,
  refuse,
  sessionMissing,
  sessionUnknown,
  wrongContentType,
} from './refusal.ts'
import type { HttpSession } from './session-store.ts'
import type { Visit } from './visit.ts'

/** Streamable HTTP for all projects: POST, GET and DELETE of `/projects/<name>/mcp`. */
export class McpHandler {
  readonly #sessions: Sessions
  readonly #events: EventStore
  readonly #limits: EndpointLimits

  constructor(sessions: Sessions, events: EventStore, limits: EndpointLimits) {
    this.#sessions = sessions
    this.#events = events
    this.#limits = limits
  }

  handle(visit: Visit): void {
    const { method = '' } = visit.request
    if (method === 'POST') this.#post(visit)
    else if (method === 'GET') this.#get(visit)
    else if (method === 'DELETE') this.#delete(visit)
    else refuse(visit.response, methodNotAllowed(method, 'GET, POST, DELETE'))
  }

  #post(visit: Visit): void {
    const { request, response } = visit
    const accepts = acceptsOf(request)
    if (!isJson(request)) refuse(response, wrongContentType)
    else if (!accepts.json && !accepts.sse) refuse(response, notAcceptable)
    else
      readMessage(request, this.#limits.bodyBytes, (message) => {
        if (message instanceof Batch) this.#takeBatch(message, visit)
        else if ('status' in message) refuse(response, message)
        else this.#take(message, visit)
      })
  }

  #take(message: RpcMessage, visit: Visit): void {
    const { request, response } = visit
    if (isRequest(message) && message.method === 'initialize' && request.headers['mcp-session-id'] === undefined) {
      void this.#open(message, visit) // owned: it answers whatever happens
      return
    }
    const held = this.#find(visit)
    if ('status' in held) refuse(response, isRequest(message) ? { ...held, id: message.id } : held)
    else if (isRequest(message)) {
      const exchange = this.#exchange([message], visit, held.carrier)
      exchange.begin()
      held.session.receive(message, exchange)
    } else {
      held.session.receive(message)
      response.writeHead(202).end()
    }
  }

  #takeBatch({ messages, requests, faults }: Batch, visit: Visit): void {
    const { response } = visit
    const held = this.#find(visit)
    const error = 'status' in held ? undefined : batchRefused(held.carrier.version)
    if ('status' in held) refuse(response, held)
    else if (error !== undefined) refuse(response, { status: 400, error })
    else if (requests.length > 0) {
      const exchange = this.#exchange(requests, visit, held.carrier, faults)
      exchange.begin()
      for (const message of messages) held.session.receive(message, exchange)
    } else {
      for (const message of messages) held.session.receive(message)
      if (faults.length === 0) response.writeHead(202).end()
      else response.writeHead(400, { 'Content-Type': 'application/json' }).end(`[${faults.join(',')}]`)
    }
  }

  #exchange(
    requests: readonly RpcRequest[],
    { request, response }: Visit,
    streams: ClientStreams,
    batch?: readonly string[],
  ): HttpExchange {
    const ids = requests.map(({ id }) => id)
    const answer = { response, accepts: acceptsOf(request), limits: this.#limits, streams, ids }
    return new HttpExchange(batch === undefined ? answer : { ...answer, batch })
  }

  /** `initialize`: a new session. Its id is in the header of the answer; a session whose `initialize` fails is none. */
  async #open(message: RpcRequest, visit: Visit): Promise<void> {
    const { response, project, bearer } = visit
    const streams = new ClientStreams(this.#limits, this.#events.session())
    const session = await this.#sessions.open(project, bearer, streams)
    if ('status' in session) {
      refuse(response, { ...session, id: message.id })
      return
    }
    const version = message.params?.protocolVersion
    const exchange = this.#exchange([message], visit, streams)
    if (response.destroyed || typeof version !== 'string') {
      session.receive(message, exchange) // is answered with what is wrong
      session.close('it was not initialized')
      streams.close()
      return
    }
    const held = this.#sessions.keep(project, bearer, session, streams)
    if ('status' in held) {
      refuse(response, { ...held, id: message.id })
      return
    }
    this.#sessions.introduce(held, message)
    streams.version = negotiate(version)
    exchange.headers['Mcp-Session-Id'] = held.id
    session.receive(message, exchange)
  }

  #get(visit: Visit): void {
    const { request, response } = visit
    const held = acceptsOf(request).sse ? this.#find(visit) : notAcceptable
    if ('status' in held) {
      refuse(response, held)
      return
    }
    const headers = { 'Mcp-Session-Id': held.id }
    const lastEventId = request.headers['last-event-id']
    if (typeof lastEventId !== 'string' || lastEventId === '') held.carrier.listen(response, headers)
    else {
      const refused = held.carrier.resume(lastEventId, response, headers)
      if (refused !== undefined) refuse(response, refused)
    }
  }

  #delete(visit: Visit): void {
    const held = this.#find(visit)
    if ('status' in held) refuse(visit.response, held)
    else {
      this.#sessions.store.end(held, 'the client has ended it')
      visit.response.writeHead(204).end()
    }
  }

  #find({ request, project, bearer }: Visit): HttpSession<ClientStreams> | Refusal {
    const id = request.headers['mcp-session-id']
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !isProtocolVersion(version)) return wrongVersion(String(version))
    if (typeof id !== 'string' || id === '') return sessionMissing
    return this.#sessions.store.find(id, project, bearer, ClientStreams) ?? sessionUnknown
  }
}

const wrongVersion = (version: string): Refusal =>
  refusal(400, 'protocol-version', `Protocol version ${JSON.stringify(version.slice(0, 40))} is not supported`, {
    hint: `Supported: ${PROTOCOL_VERSIONS.join(', ')}`,
  })
