/** The resources a client has subscribed to, so that a server that starts again, or a new link, hears of them. */
export class Subscriptions {
  readonly #limit: number
  /** server → own URI → the URI the client knows it by. */
  readonly #byServer = new Map<string, Map<string, string>>()
  #size = 0

  /** @param limit beyond which a subscription holds only until the server starts again */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(server: string, own: string, exposed: string): void {
    let uris = this.#byServer.get(server)
    if (uris === undefined) {
      uris = new Map()
      this.#byServer.set(server, uris)
    }
    if (!uris.has(own)) {
      if (this.#size >= this.#limit) return
      this.#size++
    }
    uris.set(own, exposed)
  }

  remove(server: string, own: string): void {
    if (this.#byServer.get(server)?.delete(own)) this.#size--
  }

  /** What the client calls a resource that it has subscribed to. */
  exposed(server: string, own: string): string | undefined {
    return this.#byServer.get(server)?.get(own)
  }

  of(server: string): string[] {
    return [...(this.#byServer.get(server)?.keys() ?? [])]
  }
}
