import type { Logger } from '../../domain/kernel/logger.ts'

export interface BreakerLimits {
  /** Failures in a row after which requests are refused. */
  readonly failures: number
  /** Milliseconds between two requests that are let through meanwhile: doubled from the first pause to the last. */
  readonly firstPauseMs: number
  readonly lastPauseMs: number
}

export const defaultBreakerLimits: BreakerLimits = { failures: 3, firstPauseMs: 5_000, lastPauseMs: 60_000 }

/**
 * Keeps callers from waiting for a server that does not answer. After some failures in a row requests are refused at once, but for one each
 * pause, which tries it; any answer closes it. Requests that are under way are not touched. Times are milliseconds of one monotonic clock.
 */
export class Breaker {
  readonly #limits: BreakerLimits
  readonly #onChange: (isOpen: boolean, failures: number) => void
  #failures = 0
  #pauseMs = 0
  /** While it is open: when the next request is let through. */
  #nextAt: number | undefined
  #heardAt = Number.NEGATIVE_INFINITY
  #lostAt = Number.NEGATIVE_INFINITY

  constructor(limits: BreakerLimits, onChange: (isOpen: boolean, failures: number) => void) {
    this.#limits = limits
    this.#onChange = onChange
  }

  /** Asks for leave to send one request. @returns undefined, or how many ms must pass first */
  admit(now: number): number | undefined {
    if (this.#nextAt === undefined) return undefined
    if (now < this.#nextAt) return this.#nextAt - now
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#limits.lastPauseMs)
    this.#nextAt = now + this.#pauseMs
    return undefined
  }

  /** The server has answered, be it with an error, or shown progress. */
  answered(now: number): void {
    this.#heardAt = now
    this.#failures = 0
    if (this.#nextAt === undefined) return
    this.#nextAt = undefined
    this.#onChange(false, 0)
  }

  /** @param since when the request was sent: a server that has answered others meanwhile is there, it only takes its time */
  failed(now: number, since: number): void {
    if (this.#heardAt >= since) return
    this.#failures += 1
    if (this.#failures < this.#limits.failures || this.#nextAt !== undefined) return
    this.#pauseMs = this.#limits.firstPauseMs
    this.#nextAt = now + this.#pauseMs
    this.#onChange(true, this.#failures)
  }

  /**
   * The server could not be reached, or ended. All requests that it had then are lost with it: that is one failure, and another copy may
   * take the next.
   * @param since when the request was sent
   */
  lost(now: number, since: number): void {
    if (this.#lostAt > since) return
    this.#lostAt = now
    this.failed(now, now)
  }
}

/** The breakers of a project's servers, each made with its first request. Shared like the connection to the server is. */
export class Breakers {
  readonly #project: string
  readonly #logger: Logger
  readonly #limits: BreakerLimits
  readonly #byServer = new Map<string, Breaker>()

  constructor(project: string, logger: Logger, limits: BreakerLimits = defaultBreakerLimits) {
    this.#project = project
    this.#logger = logger
    this.#limits = limits
  }

  of(server: string): Breaker {
    let breaker = this.#byServer.get(server)
    if (breaker === undefined) {
      breaker = new Breaker(this.#limits, (isOpen, failures) => this.#changed(server, isOpen, failures))
      this.#byServer.set(server, breaker)
    }
    return breaker
  }

  /** The server is another than before: nothing is known of it. */
  forget(server: string): void {
    this.#byServer.delete(server)
  }

  keepOnly(servers: readonly string[]): void {
    for (const server of this.#byServer.keys()) if (!servers.includes(server)) this.#byServer.delete(server)
  }

  #changed(server: string, isOpen: boolean, failures: number): void {
    const project = this.#project
    if (isOpen)
      this.#logger.warn({ project, server, failures }, 'server does not answer: its calls are refused at once')
    else this.#logger.info({ project, server }, 'server answers again: its calls are let through')
  }
}
