import type { HttpStreamOptions } from '../../domain/instance/http-stream.ts'
import type { Exit, LineFacts, MessageStream } from '../../domain/instance/runtime.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { errorOf, isId } from '../../domain/mcp/rpc.ts'
import { type Call, Calls } from './calls.ts'
import type { Lookup } from './connector.ts'
import { type Failure, placeOf, rpcErrorOf, sessionOver, tooManyOpen } from './failures.ts'
import { headerRedactor } from './header-secrets.ts'
import { type HttpLimits, MAX_QUOTED } from './limits.ts'
import { answeredId, messagesIn, onOneLine } from './messages.ts'
import { networkFailure } from './network-failures.ts'
import { Requests } from './requests.ts'

/** A message on its way to the server. */
export interface Outgoing {
  readonly body: Buffer
  readonly message: JsonObject
  /** Set for requests. */
  readonly call: Call | undefined
  /** It waits no longer: the server has it. */
  readonly taken: () => void
}

/** How messages reach the server, and what else there is to do for a session. */
export interface Transport {
  /** Brings one message to the server, and what it answers to the session. @throws what kept it from that */
  carry(outgoing: Outgoing): Promise<void>
  /** Tells the server that the session is over. @throws what kept it from that */
  goodbye(withinMs: number): Promise<void>
}

export interface SessionDeps {
  readonly limits: HttpLimits
  readonly logger: Logger
  readonly random: () => number
  readonly now: () => Date
  readonly lookup?: Lookup | undefined
}

/**
 * What both transports share: which calls are under way and how they fail, what waits, and the end. All that was begun is
 * over when `exited` settles.
 */
export class HttpSession implements MessageStream {
  readonly options: HttpStreamOptions
  readonly deps: SessionDeps
  readonly requests: Requests
  readonly calls = new Calls()
  readonly exited: Promise<Exit>
  readonly #transport: Transport
  readonly #tasks = new Set<Promise<void>>()
  #redact: (text: string) => string
  #listener: (line: string, facts: LineFacts) => void = () => {}
  #exit: (exit: Exit) => void = () => {}
  #open = 0
  #waiting = 0

  constructor(options: HttpStreamOptions, deps: SessionDeps, transport: (session: HttpSession) => Transport) {
    const { limits, lookup } = deps
    this.options = options
    this.deps = deps
    this.requests = new Requests({ stream: options, limits, lookup, note: (line) => this.log('mcpd', line) })
    this.#redact = headerRedactor(Object.values(options.headers))
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
    this.#transport = transport(this)
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    void this.exited.then(() => this.#begun())
    if (options.signal?.aborted) this.#onAbort()
  }

  readonly #onAbort = (): void => this.end('it was stopped', this.deps.limits.goodbyeMs)
  readonly #begun = (): void => this.options.signal?.removeEventListener('abort', this.#onAbort)

  get isOver(): boolean {
    return this.requests.over.aborted
  }

  onLine(listener: (line: string, facts: LineFacts) => void): void {
    this.#listener = listener
  }

  log(_source: 'stdout' | 'mcpd', line: string): void {
    this.options.log('mcpd', this.#redact(line))
  }

  debug(message: string, fields: object = {}): void {
    this.deps.logger.debug({ url: placeOf(this.options.url), ...fields }, message)
  }

  send(text: string): boolean {
    const { maxOpen, maxWaiting } = this.deps.limits
    if (this.isOver || this.#waiting > maxWaiting) return false
    const message = messagesIn(text)?.[0] ?? {}
    const { id, method } = message
    const call = isId(id) && typeof method === 'string' ? this.calls.begin(id, method) : undefined
    if (method === 'initialize') void call?.settled.then((answer) => answer?.result !== undefined && this.#begun())
    // Answers and cancellations still pass when calls have taken all places: calls may be waiting for just these.
    if (this.#open >= (call === undefined ? 2 * maxOpen : maxOpen))
      this.#undelivered(tooManyOpen(maxOpen), message, call)
    else this.own(this.#carry(text, message, call))
    return true
  }

  /** Takes over a promise that must be settled before the session is gone. That it rejects is a defect: of this session only. */
  own(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) => {
        this.deps.logger.error({ err: error, url: placeOf(this.options.url) }, 'a session over HTTP has failed')
        this.end('it failed within mcpd: its log says why', 0)
      })
      .finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  /** Delivers a text that came from the server, if it is one or several messages. */
  receive(text: string): void {
    if (this.isOver) return
    const messages = messagesIn(text)
    if (messages === undefined) {
      this.log('mcpd', `the server sent what is no JSON-RPC message${this.quoted(text)}`)
      return
    }
    let wanted = false
    for (const message of messages) {
      const id = answeredId(message)
      if (id === undefined || this.calls.answer(id, message)) wanted = true
      else this.debug('dropped an answer that nobody waits for')
    }
    if (wanted) this.#listener(onOneLine(text), { parsed: messages.length === 1 ? messages[0] : messages })
  }

  /** Answers a call that gets no answer of the server's. No effect on one that is over. */
  fail(call: Call, { reason, ...failure }: Failure, facts: LineFacts = {}): void {
    if (!this.calls.drop(call)) return
    const error = rpcErrorOf({ ...failure, reason: this.#redact(reason) })
    this.#listener(JSON.stringify(errorOf(call.id, error)), facts)
  }

  /** Why something was thrown, for people. */
  failureOf(error: unknown, url: URL = this.options.url): Failure {
    return networkFailure(error, url, this.deps.limits)
  }

  /** `: "…"`: the beginning of what a server said, on one line and without secrets; '' if it said nothing. */
  quoted(text: string): string {
    const clean = this.#redact(text).replace(/\s+/g, ' ').trim() // cut afterwards: half a secret would not be recognised
    if (clean === '') return ''
    return `: ${JSON.stringify(clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean)}`
  }

  /** From now on this does not stand in logs and reasons either. */
  keepSecret(value: string): void {
    this.#redact = headerRedactor([...Object.values(this.options.headers), value])
  }

  /**
   * The session is over: answers what is under way with an error, once, and lets go of everything.
   * @param goodbyeMs how long telling the server may take; 0 where it need not be told
   */
  end(reason: string, goodbyeMs: number): void {
    if (this.isOver) return
    this.requests.stop()
    for (const call of this.calls.all()) this.fail(call, sessionOver(reason, call.begun ? 'unknown' : 'no'))
    void this.#finish(this.#redact(reason), goodbyeMs)
  }

  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.end('it was stopped', Math.min(this.deps.limits.goodbyeMs, graceMs))
    await this.exited
  }

  async #carry(text: string, message: JsonObject, call: Call | undefined): Promise<void> {
    const body = Buffer.from(text)
    let waits = body.length
    const taken = () => {
      this.#waiting -= waits
      waits = 0
    }
    this.#open++
    this.#waiting += waits
    try {
      await this.#transport.carry({ body, message, call, taken })
    } catch (error) {
      if (!this.isOver) this.#undelivered(this.failureOf(error), message, call)
    } finally {
      taken()
      this.#open--
      this.#cancelled(message)
    }
  }

  /** The server may say nothing more of a cancelled call, not even end its stream. */
  #cancelled({ method, params }: JsonObject): void {
    if (method !== 'notifications/cancelled' || !isObject(params)) return
    const call = this.calls.find(params.requestId)
    if (call !== undefined) this.calls.drop(call)
  }

  #undelivered(failure: Failure, { method }: JsonObject, call: Call | undefined): void {
    const what = typeof method === 'string' ? method.slice(0, 64) : 'an answer'
    if (call !== undefined) this.fail(call, failure)
    else this.log('mcpd', `a message (${what}) did not arrive: ${failure.reason}`)
  }

  async #finish(reason: string, goodbyeMs: number): Promise<void> {
    try {
      if (goodbyeMs > 0) await this.#transport.goodbye(goodbyeMs)
    } catch (error) {
      this.debug('the server was not told of the end of its session', { reason: this.failureOf(error).reason })
    }
    await this.requests.close()
    await Promise.all(this.#tasks)
    this.#exit({ reason })
  }
}
