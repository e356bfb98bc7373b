import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer, LinkedProject, RpcMessage } from '../../domain/mcp/link.ts'
import type { LogLevel } from '../../domain/mcp/log-levels.ts'
import { withId } from '../../domain/mcp/long-answer.ts'
import {
  errorOf,
  isRequest,
  isResponse,
  type RpcError,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  resultOf,
  rpcCode,
} from '../../domain/mcp/rpc.ts'
import { Taps, tappedStream } from '../inspector/taps.ts'
import { invalidRequest, linkDown, linkLost, serverUnavailable, sessionEnded } from '../rpc/errors.ts'
import { Catalog } from './catalog.ts'
import { ClientCalls } from './client-calls.ts'
import type { CallRecord, ClientRequest, ClientStream, Exchange } from './client-request.ts'
import { ClientRequests } from './client-requests.ts'
import { type AskServer, fetchList } from './fetch-list.ts'
import { type ClientInbox, takeNotification } from './from-client.ts'
import { listChanged, type ServerInbox, takeFromServer } from './from-server.ts'
import { initializeRoute } from './initialize-route.ts'
import type { SessionLimits } from './limits.ts'
import { LinkKeeper } from './link-keeper.ts'
import { changedBy, ListChanges } from './list-changes.ts'
import { ListLoader } from './list-loader.ts'
import { AskerGone } from './lists.ts'
import { unavailableNotice } from './notices.ts'
import { type Changing, projectChanged } from './project-change.ts'
import type { ProjectStates } from './project-states.ts'
import { type ProjectView, viewProject } from './project-view.ts'
import { type AnswerMap, type Route, type Routing, routes, unknownMethod } from './routes.ts'
import { ServerCalls } from './server-calls.ts'
import type { SessionState } from './session-state.ts'
import { Subscriptions } from './subscriptions.ts'

export interface SessionOptions {
  readonly dialer: LinkDialer
  readonly project: string
  readonly bearer: string
  /** Where messages go that belong to no request. */
  readonly client: ClientStream
  /** What the sessions of a project share. */
  readonly projects: ProjectStates
  readonly limits: SessionLimits
  readonly logger: Logger
  /** Our own version, for `serverInfo`. */
  readonly version: string
  readonly random?: () => number
  readonly onCall?: (record: CallRecord) => void
  /** The session has ended by itself: mcpd took the project or the right to it away. */
  readonly onEnded?: (reason: string) => void
}

/**
 * One client's MCP session with one project, whatever carries it. Client messages come in by `receive`; answers go to their exchange,
 * everything else to the client stream. Servers are behind one link, which is opened again when it breaks.
 */
export class Session implements Routing, ServerInbox, ClientInbox, Changing {
  readonly catalog: Catalog
  readonly state: SessionState
  readonly calls: ServerCalls
  readonly clientCalls: ClientCalls
  readonly changes: ListChanges
  readonly subscriptions: Subscriptions
  readonly listMs: number
  readonly taps = new Taps()
  level: LogLevel | undefined
  isInitialized = false
  readonly #options: SessionOptions
  readonly #keeper: LinkKeeper
  readonly #requests: ClientRequests
  readonly #initialize: Route
  #view: ProjectView
  #known = false
  #ended: string | undefined

  constructor(options: SessionOptions) {
    const { limits, project, projects, logger } = options
    this.#options = { ...options, client: tappedStream(options.client, this.taps) }
    this.listMs = limits.listMs
    this.#requests = new ClientRequests(project, this.taps, options.onCall)
    this.#view = viewProject({ name: project, namespacing: 'always', servers: [] })
    const view = () => this.#view
    this.state = projects.join(project, logger, () => this.#view.dedicated)
    this.calls = new ServerCalls(this.state, (server, message) => this.toServer(server, message))
    this.clientCalls = new ClientCalls(limits.requests, (server, message) => this.toServer(server, message))
    this.changes = new ListChanges(limits.listChangedMs, (list) => this.tell(listChanged(list)))
    this.subscriptions = new Subscriptions(limits.subscriptions)
    const fetch = fetchList(this.ask, () => this.#keeper.isUp, limits.listMs)
    const loader = new ListLoader({
      ...limits,
      state: this.state,
      fetch,
      view,
      logger,
      onArrived: (kind) => this.changes.changed(changedBy(kind)),
      onLeftOut: (server, reason) => this.warn(server, reason),
    })
    this.catalog = new Catalog(this.state, loader, view, logger)
    this.#initialize = initializeRoute(options.version, (client) => {
      this.isInitialized = true
      this.#keeper.introduce(client)
    })
    this.#keeper = new LinkKeeper({
      ...options,
      random: options.random ?? Math.random,
      onProject: (told, reopened) => this.#onProject(told, reopened),
      onMessage: (server, message) => this.#onMessage(server, message),
      onLost: (reason) => this.#abandon(linkLost(reason)),
      onEnded: (reason) => {
        this.close(reason)
        options.onEnded?.(reason)
      },
    })
  }

  get view(): ProjectView {
    return this.#view
  }

  /** Requests of the client that are under way. */
  get inFlight(): number {
    return this.#requests.size
  }

  /**
   * Opens the link.
   * @throws CodedError when mcpd refuses or cannot be reached; the session is closed then
   */
  async open(): Promise<void> {
    try {
      await this.#keeper.open()
    } catch (error) {
      this.close('it could not be opened')
      throw error
    }
  }

  /** Takes one message of the client. Requests need the exchange that their answer goes to. */
  receive(message: RpcMessage, exchange?: Exchange): void {
    this.taps.fromClient(message)
    if (isRequest(message)) {
      if (exchange === undefined) throw new Error('a request needs an exchange')
      this.#receiveRequest(message, exchange)
    } else if (isResponse(message)) {
      if (!this.clientCalls.answer(message)) this.#drop('client', message)
    } else if (!takeNotification(this, message)) this.#drop('client', message)
  }

  cancel(id: RpcId, cancelled: RpcMessage): boolean {
    const request = this.#requests.get(id)
    if (request === undefined) return false
    if (request.call !== undefined) this.calls.cancel(request.call, cancelled)
    this.#requests.finish(request, undefined)
    return true
  }

  /** Ends the session: everything under way is answered with an error, the link is closed. Again: no effect. */
  close(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#abandon(sessionEnded(reason))
    this.#requests.failAll(sessionEnded(reason))
    this.changes.close()
    this.catalog.close()
    this.#keeper.close(reason)
    this.#options.projects.leave(this.#options.project)
  }

  forward(request: ClientRequest, server: string, params: JsonObject | undefined, map?: AnswerMap): void {
    if (request.done) return
    request.server = server
    const target = this.#view.server(server)
    if (!this.#keeper.isUp)
      void this.#forwardWhenUp(request, server, params, map) // owned: it throws nothing
    else if (target?.state !== 'ready')
      this.fail(
        request,
        serverUnavailable(server, target === undefined ? 'it is not attached any more' : target.reason),
      )
    else {
      request.call = this.calls.forward(server, request.message, params, this.#options.limits.callMs, {
        onAnswer: (answer) => this.pass(request, map === undefined ? answer : map(answer)),
        onProgress: (progress) => {
          if (!this.#requests.send(request, progress)) this.tell(progress)
        },
      })
      const { id, method } = request.message
      request.message = { jsonrpc: '2.0', id, method }
    }
  }

  reply(request: ClientRequest, result: JsonObject): void {
    this.#requests.finish(request, resultOf(request.id, result))
  }

  fail(request: ClientRequest, error: RpcError): void {
    this.#requests.finish(request, errorOf(request.id, error))
  }

  pass(request: ClientRequest, answer: RpcResponse): void {
    this.#requests.finish(request, withId(answer, request.id))
  }

  readonly ask: AskServer = async (server, method, params, ms) => {
    if (!(await this.#keeper.whenUp())) return errorOf(0, linkDown())
    const request: RpcMessage = { jsonrpc: '2.0', method }
    return new Promise((resolve) => void this.calls.forward(server, request, params, ms, { onAnswer: resolve }))
  }

  toServer(server: string, message: RpcMessage): boolean {
    if (this.#keeper.isUp) this.taps.toServer(server, message)
    return this.#keeper.send(server, message)
  }

  deliver(server: string, message: RpcMessage, onCall: boolean): boolean {
    if (!this.isInitialized) return false
    if (!onCall) return this.#options.client.send(message) || this.#requests.sendOn(server, message)
    return this.#requests.sendOn(server, message) || this.#options.client.send(message)
  }

  tell(message: RpcMessage): void {
    if (this.isInitialized && !this.#options.client.send(message)) this.#drop('client stream', message)
  }

  warn(server: string, reason: string): void {
    const notice = unavailableNotice(this.level, server, reason)
    if (notice !== undefined) this.tell(notice)
  }

  #receiveRequest(message: RpcRequest, exchange: Exchange): void {
    const refusal = this.#refusal(message)
    if (refusal !== undefined) {
      this.#requests.refuse(message, exchange, refusal)
      return
    }
    const request = this.#requests.open(message, exchange)
    const route = message.method === 'initialize' ? this.#initialize : (routes.get(message.method) ?? unknownMethod)
    try {
      route(this, request)?.catch((error: unknown) => this.#failed(request, error))
    } catch (error) {
      this.#failed(request, error)
    }
  }

  #refusal(message: RpcRequest): RpcError | undefined {
    if (this.#ended !== undefined) return sessionEnded(this.#ended)
    const refusal = this.#requests.refusal(message.id, this.#options.limits.requests)
    if (refusal !== undefined) return refusal
    const isInitialize = message.method === 'initialize'
    if (isInitialize && this.isInitialized) return invalidRequest('the session is initialized already')
    if (!isInitialize && !this.isInitialized && message.method !== 'ping')
      return invalidRequest('initialize comes first')
    return undefined
  }

  /** What a route throws is a bug, unless its session ended or lost its link meanwhile: this request fails, and nothing else. */
  #failed(request: ClientRequest, error: unknown): void {
    const { logger } = this.#options
    const gone = error instanceof AskerGone
    if (!gone) logger.error({ err: error, method: request.message.method }, 'a request failed inside the proxy')
    this.fail(request, gone ? linkDown() : { code: rpcCode.internal, message: 'Internal error' })
  }

  async #forwardWhenUp(request: ClientRequest, server: string, params: JsonObject | undefined, map?: AnswerMap) {
    if (await this.#keeper.whenUp()) this.forward(request, server, params, map)
    else this.fail(request, linkDown())
  }

  #onMessage(server: string, message: RpcMessage): void {
    try {
      this.taps.fromServer(server, message)
      if (this.#view.server(server) !== undefined && takeFromServer(this, server, message)) return
      this.#drop(server, message)
    } catch (error) {
      this.#options.logger.error({ err: error, server, method: message.method }, 'a message failed inside the proxy')
    }
  }

  #onProject(project: LinkedProject, reopened: boolean): void {
    const before = this.#known ? this.#view : undefined
    this.#known = true
    this.#view = viewProject(project)
    if (before !== undefined) projectChanged(this, before, reopened, this.#options.logger)
  }

  #abandon(error: RpcError): void {
    for (const told of this.clientCalls.drop(error.message)) this.tell(told)
    this.calls.fail(error)
  }

  #drop(from: string, message: RpcMessage): void {
    this.#options.logger.debug({ from, method: message.method, id: message.id }, 'message belongs to nothing, dropped')
  }
}
