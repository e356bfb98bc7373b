import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer, RpcMessage } from '../../domain/mcp/link.ts'
import { isRequest, type RpcRequest } from '../../domain/mcp/rpc.ts'
import { Inspector } from '../inspector/inspector.ts'
import { defaultInspectorLimits, type InspectorLimits } from '../inspector/limits.ts'
import { RpcFault } from '../rpc/errors.ts'
import { parseMessage } from '../rpc/message.ts'
import type { CallRecord } from '../session/client-request.ts'
import { clientOf, isProtocolVersion, PROTOCOL_VERSIONS } from '../session/initialize.ts'
import type { SessionLimits } from '../session/limits.ts'
import type { ListTtl } from '../session/lists.ts'
import { ProjectStates } from '../session/project-states.ts'
import { Session } from '../session/session.ts'
import { readBody } from './body.ts'
import { ClientStreams } from './client-streams.ts'
import { acceptsOf, bearerOf, isJson } from './headers.ts'
import { HttpExchange } from './http-exchange.ts'
import type { EndpointLimits } from './limits.ts'
import {
  bearerMissing,
  type Refusal,
  refusal,
  refusalOf,
  refuse,
  sessionMissing,
  sessionUnknown,
  stopping,
} from './refusal.ts'
import { type HttpSession, SessionStore } from './session-store.ts'

export interface McpHandlerOptions {
  readonly dialer: LinkDialer
  readonly logger: Logger
  readonly version: string
  readonly limits: EndpointLimits
  readonly sessionLimits: SessionLimits
  readonly listTtl: ListTtl
  readonly inspectorLimits?: Partial<InspectorLimits>
  readonly onCall: (record: CallRecord) => void
}

/** Streamable HTTP for all projects: POST, GET and DELETE of `/projects/<name>/mcp`. */
export class McpHandler {
  readonly sessions: SessionStore
  readonly inspector: Inspector
  readonly #options: McpHandlerOptions
  readonly #projects: ProjectStates
  readonly #exchanges = new Set<HttpExchange>()
  #stopping = false

  constructor(options: McpHandlerOptions) {
    this.#options = options
    this.sessions = new SessionStore(options.limits, (held, reason) => this.inspector.left(held, reason))
    this.inspector = new Inspector({
      ...options,
      endpointLimits: options.limits,
      limits: { ...defaultInspectorLimits, ...options.inspectorLimits },
      sessions: () => this.sessions.all(),
    })
    this.#projects = new ProjectStates(options.listTtl)
  }

  /** Whether a client waits for an answer. */
  get isBusy(): boolean {
    for (const exchange of this.#exchanges) if (!exchange.isOver) return true
    return false
  }

  handle(request: IncomingMessage, response: ServerResponse, project: string): void {
    const bearer = bearerOf(request)
    if (this.#stopping) refuse(response, stopping)
    else if (bearer === undefined) refuse(response, bearerMissing)
    else if (request.method === 'POST') this.#post(request, response, project, bearer)
    else if (request.method === 'GET') this.#get(request, response, project, bearer)
    else if (request.method === 'DELETE') this.#delete(request, response, project, bearer)
    else
      refuse(
        response,
        refusal(405, 'method-not-allowed', `${request.method} is not for this path`, {
          headers: { Allow: 'GET, POST, DELETE' },
        }),
      )
  }

  /** What is due now and then: heartbeats, and the end of sessions nobody uses. */
  tick(now: number): void {
    for (const exchange of this.#exchanges) exchange.beat(now)
    for (const { streams } of this.sessions.all()) streams.beat(now)
    this.inspector.tick(now)
    this.sessions.endIdle(now, this.#options.limits.idleMs)
  }

  /** From now on, refuses everything. What is under way goes on. */
  stop(): void {
    this.#stopping = true
  }

  /** Ends all sessions. */
  close(reason: string): void {
    this.#stopping = true
    for (const held of [...this.sessions.all()]) this.sessions.end(held, reason)
    this.inspector.close(reason)
  }

  #post(request: IncomingMessage, response: ServerResponse, project: string, bearer: string): void {
    const accepts = acceptsOf(request)
    if (!isJson(request)) refuse(response, wrongContentType)
    else if (!accepts.json && !accepts.sse) refuse(response, notAcceptable)
    else
      readBody(request, this.#options.limits.bodyBytes, (body) => {
        const message = typeof body === 'string' ? parsed(body) : body
        if ('status' in message) refuse(response, message)
        else this.#take(message, request, response, project, bearer)
      })
  }

  #take(message: RpcMessage, request: IncomingMessage, response: ServerResponse, project: string, bearer: string) {
    if (isRequest(message) && message.method === 'initialize' && request.headers['mcp-session-id'] === undefined) {
      void this.#open(message, request, response, project, bearer) // owned: it answers whatever happens
      return
    }
    const held = this.#find(request, project, bearer)
    if ('status' in held) refuse(response, isRequest(message) ? { ...held, id: message.id } : held)
    else if (isRequest(message)) held.session.receive(message, this.#exchange(message, request, response))
    else {
      held.session.receive(message)
      response.writeHead(202).end()
    }
  }

  #exchange(message: RpcRequest, request: IncomingMessage, response: ServerResponse): HttpExchange {
    const exchange = new HttpExchange(response, message.id, acceptsOf(request), this.#options.limits, (ended) =>
      this.#exchanges.delete(ended),
    )
    this.#exchanges.add(exchange)
    return exchange
  }

  /** `initialize`: a new session. Its id is in the header of the answer; a session whose `initialize` fails is none. */
  async #open(
    message: RpcRequest,
    request: IncomingMessage,
    response: ServerResponse,
    project: string,
    bearer: string,
  ): Promise<void> {
    if (!this.sessions.reserve()) {
      refuse(response, { ...tooManySessions, id: message.id })
      return
    }
    try {
      const { session, streams, onEnded } = this.#session(project, bearer)
      try {
        await session.open()
      } finally {
        this.sessions.unreserve()
      }
      const isNone = this.#stopping || response.destroyed || typeof message.params?.protocolVersion !== 'string'
      if (!isNone && !this.sessions.makeRoom()) {
        session.close('all sessions are taken')
        refuse(response, { ...tooManySessions, id: message.id })
        return
      }
      const exchange = this.#exchange(message, request, response)
      if (isNone) {
        session.receive(message, exchange) // is answered with what is wrong
        session.close('it was not initialized')
        return
      }
      const held = this.sessions.add(project, bearer, session, streams, clientName(message))
      this.inspector.entered(held)
      onEnded((reason) => this.sessions.end(held, reason))
      exchange.headers['Mcp-Session-Id'] = held.id
      session.receive(message, exchange)
    } catch (error) {
      const refused = refusalOf(error)
      if (refused.status >= 500) this.#options.logger.warn({ err: error, project }, 'session not opened')
      refuse(response, { ...refused, id: message.id })
    }
  }

  #session(project: string, bearer: string) {
    const { dialer, logger, version, sessionLimits, limits, onCall } = this.#options
    const streams = new ClientStreams(limits)
    const ended = { listener: (_reason: string) => {} }
    const session = new Session({
      dialer,
      project,
      bearer,
      client: streams,
      projects: this.#projects,
      limits: sessionLimits,
      logger,
      version,
      onCall,
      onEnded: (reason) => ended.listener(reason),
    })
    const onEnded = (listener: (reason: string) => void) => {
      ended.listener = listener
    }
    return { session, streams, onEnded }
  }

  #get(request: IncomingMessage, response: ServerResponse, project: string, bearer: string): void {
    const held = acceptsOf(request).sse ? this.#find(request, project, bearer) : notAcceptable
    if ('status' in held) refuse(response, held)
    else held.streams.open(response, { 'Mcp-Session-Id': held.id })
  }

  #delete(request: IncomingMessage, response: ServerResponse, project: string, bearer: string): void {
    const held = this.#find(request, project, bearer)
    if ('status' in held) refuse(response, held)
    else {
      this.sessions.end(held, 'the client has ended it')
      response.writeHead(204).end()
    }
  }

  #find(request: IncomingMessage, project: string, bearer: string): HttpSession | Refusal {
    const id = request.headers['mcp-session-id']
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !isProtocolVersion(version)) return wrongVersion(String(version))
    if (typeof id !== 'string' || id === '') return sessionMissing
    return this.sessions.find(id, project, bearer) ?? sessionUnknown
  }
}

const MAX_CLIENT_NAME = 64

/** What a client says in `initialize` that it is: `name version`. */
const clientName = ({ params }: RpcRequest): string => {
  const { name, version } = clientOf(params).clientInfo
  return [name, version]
    .filter((word) => typeof word === 'string')
    .join(' ')
    .slice(0, MAX_CLIENT_NAME)
}

const wrongContentType = refusal(415, 'content-type', 'The body must be application/json', {
  hint: 'Send "Content-Type: application/json"',
})

const notAcceptable = refusal(406, 'not-acceptable', 'The client takes neither of the forms that an answer has', {
  hint: 'Send "Accept: application/json, text/event-stream", to GET at least the second',
})

const tooManySessions = refusal(503, 'too-many-sessions', 'As many sessions are open as there may be', {
  hint: 'End sessions with DELETE when you are done with them',
  headers: { 'Retry-After': '5' },
})

const wrongVersion = (version: string): Refusal =>
  refusal(400, 'protocol-version', `Protocol version ${JSON.stringify(version.slice(0, 40))} is not supported`, {
    hint: `Supported: ${PROTOCOL_VERSIONS.join(', ')}`,
  })

const parsed = (body: string): RpcMessage | Refusal => {
  try {
    return parseMessage(body)
  } catch (error) {
    if (!(error instanceof RpcFault)) return refusalOf(error)
    return { status: 400, error: error.error, ...(error.id === undefined ? {} : { id: error.id }) }
  }
}
