import type { RpcMessage } from '../../domain/mcp/link.ts'
import { isRequest } from '../../domain/mcp/rpc.ts'
import { Batch } from '../rpc/message.ts'
import { Pipe, sendOn } from '../rpc/pipe.ts'
import type { ClientStream } from '../session/client-request.ts'
import type { Session } from '../session/session.ts'
import { readMessage } from './body.ts'
import { acceptsOf, isJson } from './headers.ts'
import type { EndpointLimits } from './limits.ts'
import type { Sessions } from './open-sessions.ts'
import {
  methodNotAllowed,
  notAcceptable,
  refuse,
  sessionIdMissing,
  sessionUnknown,
  wrongContentType,
} from './refusal.ts'
import type { Carrier } from './session-store.ts'
import { EventStream } from './sse.ts'
import type { Visit } from './visit.ts'

/** The one stream of a session of HTTP+SSE: all that the client is sent. The session ends with it. */
class SseConnection implements ClientStream, Carrier {
  #session: Session | undefined
  #stream: EventStream | undefined
  #pipe: Pipe | undefined

  /** From now on the client hears. */
  begin(session: Session, stream: EventStream): void {
    this.#session = session
    this.#stream = stream
    this.#pipe = new Pipe(session, this.#write)
  }

  get pipe(): Pipe | undefined {
    return this.#pipe
  }

  get isBusy(): boolean {
    return this.#stream?.isOpen === true
  }

  get isAnswering(): boolean {
    return this.isBusy && (this.#session?.inFlight ?? 0) > 0
  }

  send(message: RpcMessage): boolean {
    return sendOn(this.#write, message)
  }

  tick(now: number): void {
    this.#stream?.beat(now)
  }

  close(): void {
    this.#stream?.end()
  }

  readonly #write = (text: string): boolean => this.#stream?.message(text) === true
}

/**
 * HTTP+SSE for all projects, the pair of endpoints of revision 2024-11-05: a GET of `/projects/<name>/sse` is the session, and names the
 * address that its messages are sent to by POST. Answers come on the stream.
 */
export class SseHandler {
  readonly #sessions: Sessions
  readonly #limits: EndpointLimits

  constructor(sessions: Sessions, limits: EndpointLimits) {
    this.#sessions = sessions
    this.#limits = limits
  }

  /** `/projects/<name>/sse` */
  handleStream(visit: Visit): void {
    const { request, response } = visit
    if (request.method !== 'GET') refuse(response, methodNotAllowed(request.method ?? '', 'GET'))
    else if (!acceptsOf(request).sse) refuse(response, notAcceptable)
    else void this.#open(visit) // owned: it answers whatever happens
  }

  /** `/projects/<name>/messages?sessionId=<id>` */
  handleMessage(visit: Visit): void {
    const { request, response } = visit
    if (request.method !== 'POST') refuse(response, methodNotAllowed(request.method ?? '', 'POST'))
    else if (!isJson(request)) refuse(response, wrongContentType)
    else
      readMessage(request, this.#limits.bodyBytes, (message) => {
        if (!(message instanceof Batch) && 'status' in message) refuse(response, message)
        else this.#take(message, visit)
      })
  }

  async #open({ response, project, bearer }: Visit): Promise<void> {
    const connection = new SseConnection()
    const session = await this.#sessions.open(project, bearer, connection)
    if ('status' in session) {
      refuse(response, session)
      return
    }
    if (response.destroyed) {
      session.close('the client has gone')
      return
    }
    const held = this.#sessions.keep(project, bearer, session, connection)
    if ('status' in held) {
      refuse(response, held)
      return
    }
    const stream = new EventStream(response, this.#limits)
    connection.begin(session, stream)
    stream.onClose(() => this.#sessions.store.end(held, 'the client has gone'))
    stream.event('endpoint', `/projects/${project}/messages?sessionId=${held.id}`)
  }

  #take(message: RpcMessage | Batch, { request, response, project, bearer }: Visit): void {
    const id = new URL(request.url ?? '/', 'http://localhost').searchParams.get('sessionId')
    const held = id === null ? undefined : this.#sessions.store.find(id, project, bearer, SseConnection)
    const isInitialize = !(message instanceof Batch) && isRequest(message) && message.method === 'initialize'
    if (held !== undefined && isInitialize && held.client === '') this.#sessions.introduce(held, message)
    const error = held?.carrier.pipe?.take(message)
    if (id === null) refuse(response, sessionIdMissing)
    else if (held === undefined) refuse(response, sessionUnknown)
    else if (error !== undefined) refuse(response, { status: 400, error })
    else response.writeHead(202, { 'Content-Type': 'text/plain' }).end('Accepted')
  }
}
