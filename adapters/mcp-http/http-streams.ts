import type { OpenHttpStream } from '../../domain/instance/http-stream.ts'
import { systemClock } from '../../domain/kernel/clock.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Lookup } from './connector.ts'
import { HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { OldPair } from './old-pair.ts'
import { HttpSession } from './session.ts'
import { Streamable } from './streamable.ts'

export interface HttpStreamsOptions {
  /** Hears at `debug` what is normal: a server without a stream of its own, late answers. */
  readonly logger: Logger
  readonly limits?: Partial<HttpLimits>
  /** Jitter of waits. */
  readonly random?: () => number
  readonly now?: () => Date
  /** How names become addresses; the system's by default. */
  readonly lookup?: Lookup
}

/**
 * Makes what opens MCP sessions over HTTP.
 *
 * @example
 * const openHttpStream = createHttpStreams({ logger })
 * const stream = openHttpStream({ url, transport: 'SSE', headers, allowLinkLocal: false, log })
 */
export const createHttpStreams = (options: HttpStreamsOptions): OpenHttpStream => {
  const { logger, random = Math.random, now = systemClock.now, lookup } = options
  const deps = { logger, random, now, lookup, limits: { ...HTTP_LIMITS, ...options.limits } }
  return (stream) => {
    const session = new HttpSession(stream, deps, (self) =>
      stream.transport === 'SSE' ? new OldPair(self) : new Streamable(self),
    )
    return {
      exited: session.exited,
      send: (message) => session.send(message),
      onLine: (listener) => session.onLine(listener),
      log: (source, line) => session.log(source, line),
      stop: (grace) => session.stop(grace),
    }
  }
}
