import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Call } from './calls.ts'
import { type Cursor, isEventStream, readUntilAnswered } from './event-stream.ts'
import { HttpFailure, noAnswer, sessionForgotten, unusableSessionId } from './failures.ts'
import type { HttpAnswer } from './http-client.ts'
import { MAX_SESSION_ID } from './limits.ts'
import { listen } from './listening.ts'
import { answeredId, messagesIn } from './messages.ts'
import { Order } from './order.ts'
import { readText, skip } from './reading.ts'
import { isSuccess, type Refusal, readRefusal } from './refusals.ts'
import { resume } from './resuming.ts'
import type { HttpSession, Outgoing, Transport } from './session.ts'
import { whenUp } from './startup.ts'

/**
 * Streamable HTTP, revision 2025-03-26 and later: each message is a POST, answered with JSON or a stream of events; a GET
 * brings what the server says by itself.
 */
export class Streamable implements Transport {
  readonly #session: HttpSession
  readonly #order = new Order()
  #id: string | undefined
  #protocolVersion: string | undefined

  constructor(session: HttpSession) {
    this.#session = session
  }

  async carry(outgoing: Outgoing): Promise<void> {
    const { call, message } = outgoing
    if (message.method === 'initialize' && call !== undefined) {
      this.#order.hold(call.settled.then((answer) => this.#begun(answer)))
      await whenUp(this.#session, () => this.#post(outgoing))
      return
    }
    const holds = message.method === 'notifications/initialized'
    await this.#order.run(() => this.#post(outgoing), { holds })
    if (holds) this.#session.own(listen(this.#session, this.#headers()))
  }

  async goodbye(withinMs: number): Promise<void> {
    const { requests, options } = this.#session
    if (this.#id !== undefined)
      await requests.last({ method: 'DELETE', url: options.url, headers: this.#headers(), withinMs })
  }

  async #post(outgoing: Outgoing): Promise<void> {
    const { body, call, taken } = outgoing
    const { requests, options, deps, calls } = this.#session
    if (this.#session.isOver) return
    if (call !== undefined) call.begun = true
    const cursor: Cursor = { signs: 0 }
    await requests.exchange(
      {
        method: 'POST',
        url: options.url,
        headers: { ...this.#headers(), 'content-type': 'application/json', accept: ACCEPT },
        body,
        withinMs: call === undefined ? deps.limits.acceptMs : deps.limits.answerMs,
        ...(call === undefined ? {} : { signal: call.gone }),
      },
      async (answer) => {
        taken()
        if (!isSuccess(answer)) this.#refused(outgoing, await readRefusal(answer, this.#session))
        else if (call === undefined) await skip(answer, deps.limits)
        else await this.#answered(answer, call, cursor)
      },
    )
    if (call !== undefined && calls.isOpen(call)) await resume(this.#session, call, cursor, this.#headers())
  }

  async #answered(answer: HttpAnswer, call: Call, cursor: Cursor): Promise<void> {
    if (call.method === 'initialize') this.#identify(answer.header('mcp-session-id'))
    if (!isEventStream(answer)) {
      await this.#readJson(answer, call)
      return
    }
    try {
      await readUntilAnswered(answer, cursor, this.#session, call)
    } catch (error) {
      if (error instanceof HttpFailure || cursor.lastId === undefined) throw error
      this.#session.debug('an event stream broke off before its answer and is resumed')
    }
  }

  async #readJson(answer: HttpAnswer, call: Call): Promise<void> {
    const { limits } = this.#session.deps
    if (answer.mediaType !== 'application/json') throw new HttpFailure(noAnswer(await this.#instead(answer)))
    const text = await readText(answer.body, { maxBytes: limits.maxMessage, silenceMs: limits.silenceMs })
    this.#session.receive(text)
    if (this.#session.calls.isOpen(call)) throw new HttpFailure(noAnswer('the JSON it sent is no answer to it'))
  }

  async #instead(answer: HttpAnswer): Promise<string> {
    const { status, said } = await readRefusal(answer, this.#session)
    const { mediaType } = answer
    const what = mediaType === '' ? 'nothing' : JSON.stringify(mediaType.slice(0, 64))
    return `it sent ${what} with HTTP ${status} instead of JSON or a stream of events${said}`
  }

  /** @throws HttpFailure unless the answer was one to the call */
  #refused({ call }: Outgoing, { status, text, said, failure }: Refusal): void {
    const isAnswer = call !== undefined && messagesIn(text)?.some((each) => answeredId(each) === call.id)
    if (this.#isForgotten(status, isAnswer === true && !/session/i.test(said))) {
      const forgotten = sessionForgotten(status, said)
      if (call !== undefined) this.#session.fail(call, forgotten, { forgotten: true })
      this.#session.end(`it does not know the session any more (HTTP ${status})${said}`, 0)
      throw new HttpFailure(forgotten)
    }
    if (isAnswer !== true) throw new HttpFailure(failure)
    this.#session.receive(text)
  }

  /** By the standard it is 404; many answer 400, which may be about the message too. */
  #isForgotten(status: number, aboutTheMessage: boolean): boolean {
    return this.#id !== undefined && (status === 404 || (status === 400 && !aboutTheMessage))
  }

  #identify(id: string | undefined): void {
    if (id === undefined) return
    if (id.length > MAX_SESSION_ID || !/^[!-~]+$/.test(id)) throw new HttpFailure(unusableSessionId)
    this.#id = id
    this.#session.keepSecret(id)
  }

  #begun(answer: JsonObject | undefined): void {
    const version = isObject(answer?.result) ? answer.result.protocolVersion : undefined
    if (typeof version === 'string' && /^[!-~]{1,64}$/.test(version)) this.#protocolVersion = version
  }

  #headers(): Record<string, string> {
    return {
      ...(this.#id === undefined ? {} : { 'mcp-session-id': this.#id }),
      ...(this.#protocolVersion === undefined ? {} : { 'mcp-protocol-version': this.#protocolVersion }),
    }
  }
}

const ACCEPT = 'application/json, text/event-stream'
