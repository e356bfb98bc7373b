import { ASK_FOR_EVENTS, isEventStream } from './event-stream.ts'
import { type Failure, foreignEndpoint, HttpFailure, noEndpoint, noEventStream, placeOf } from './failures.ts'
import type { HttpAnswer } from './http-client.ts'
import { Order } from './order.ts'
import { readEvents, skip } from './reading.ts'
import { expectSuccess } from './refusals.ts'
import type { HttpSession, Outgoing, Transport } from './session.ts'
import { whenUp } from './startup.ts'

/**
 * The pair of endpoints of revision 2024-11-05: a GET opens a stream of events that brings everything, the first of them
 * names where messages are posted. The session lasts as long as the stream.
 */
export class OldPair implements Transport {
  readonly #session: HttpSession
  readonly #order = new Order()
  #endpoint: Promise<URL> | undefined

  constructor(session: HttpSession) {
    this.#session = session
  }

  async carry({ body, call, message, taken }: Outgoing): Promise<void> {
    this.#endpoint ??= this.#open()
    const url = await this.#endpoint
    const { requests, deps } = this.#session
    const post = async (): Promise<void> => {
      if (this.#session.isOver) return
      if (call !== undefined) call.begun = true
      const headers = { 'content-type': 'application/json', accept: 'application/json' }
      const withinMs = deps.limits.acceptMs
      await requests.exchange({ method: 'POST', url, headers, body, withinMs }, async (answer) => {
        taken()
        await expectSuccess(answer, this.#session)
        await skip(answer, deps.limits)
      })
    }
    await this.#order.run(post, { holds: message.method === 'notifications/initialized' })
  }

  /** The end of the stream tells. */
  async goodbye(): Promise<void> {}

  #open(): Promise<URL> {
    const endpoint = new Promise<URL>((resolve, reject) => this.#session.own(this.#listen(resolve, reject)))
    endpoint.catch(() => {}) // who sends meanwhile awaits it, too
    return endpoint
  }

  async #listen(onEndpoint: (url: URL) => void, onNone: (error: HttpFailure) => void): Promise<void> {
    const session = this.#session
    let lost = 'its event stream ended'
    try {
      await whenUp(session, async () => {
        const failure = await this.#read(onEndpoint)
        if (failure !== undefined) lost = `${lost}: ${failure.reason}`
      })
    } catch (error) {
      const failure = session.failureOf(error)
      lost = failure.reason
      onNone(new HttpFailure(failure))
      for (const call of session.calls.all()) session.fail(call, failure)
    }
    session.end(lost, 0)
  }

  /** @returns why the stream ended, if it failed after it had named its endpoint. @throws what it failed with before */
  async #read(onEndpoint: (url: URL) => void): Promise<Failure | undefined> {
    const session = this.#session
    const { limits } = session.deps
    let named = false
    const events = (answer: HttpAnswer, timer: NodeJS.Timeout) =>
      readEvents(answer.body, limits.maxMessage, {
        onEvent({ event = 'message', data }) {
          if (event === 'message' && data !== '') session.receive(data)
          if (event !== 'endpoint' || named) return
          onEndpoint(endpointOf(data, answer.url))
          named = true
          clearTimeout(timer)
        },
        onRetry() {}, // a lost stream is a lost session
      })
    const request = { method: 'GET' as const, url: session.options.url, headers: ASK_FOR_EVENTS }
    try {
      await session.requests.exchange({ ...request, withinMs: limits.acceptMs }, async (answer) => {
        await expectSuccess(answer, session)
        if (!isEventStream(answer)) throw new HttpFailure(noEventStream(answer.mediaType))
        const timer = setTimeout(() => answer.body.destroy(new HttpFailure(noEndpoint)), limits.acceptMs)
        await events(answer, timer).finally(() => clearTimeout(timer))
      })
    } catch (error) {
      if (named) return session.failureOf(error)
      throw error
    }
    if (!named) throw new HttpFailure(noEndpoint)
    return undefined
  }
}

/** Headers hold credentials: messages go to the origin that they are for, or nowhere. */
const endpointOf = (text: string, url: URL): URL => {
  if (!URL.canParse(text, url.href)) throw new HttpFailure(noEndpoint)
  const endpoint = new URL(text, url)
  if (endpoint.origin !== url.origin) throw new HttpFailure(foreignEndpoint(placeOf(endpoint)))
  return endpoint
}
