import type { ServerResponse } from 'node:http'
import type { EndpointLimits } from '../endpoint/limits.ts'
import { EventStream } from '../endpoint/sse.ts'
import type { FeedEventName, FeedEvents } from './feed.ts'

/** One open feed. For one that reads too slowly, messages are left out, and it is told how many. */
export class Watcher {
  readonly #stream: EventStream
  readonly #mayWait: number
  #lost = 0

  /** @param mayWait bytes that may wait for it before messages are left out */
  constructor(response: ServerResponse, limits: EndpointLimits, mayWait: number) {
    this.#stream = new EventStream(response, limits)
    this.#mayWait = mayWait
    this.#stream.start()
  }

  send<Name extends FeedEventName>(event: Name, data: FeedEvents[Name]): void {
    this.#stream.event(event, JSON.stringify(data))
  }

  /** @param json a TrafficRecord */
  message(json: string): void {
    if (this.#stream.waiting > this.#mayWait) this.#lost += 1
    else {
      this.#tellLost()
      this.#stream.event('message', json)
    }
  }

  /** Called now and then: tells what was left out as soon as there is room again, and shows that the feed lives. */
  beat(now: number): void {
    if (this.#stream.waiting <= this.#mayWait) this.#tellLost()
    this.#stream.beat(now)
  }

  end(data: FeedEvents['end']): void {
    this.#tellLost()
    this.send('end', data)
    this.#stream.end()
  }

  #tellLost(): void {
    if (this.#lost === 0) return
    const count = this.#lost
    this.#lost = 0
    this.send('lost', { count })
  }
}
