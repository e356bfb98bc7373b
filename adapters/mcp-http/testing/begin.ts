import { onTestFinished } from 'vitest'
import type { HttpStreamOptions } from '../../../domain/instance/http-stream.ts'
import { createHttpStreams, type HttpStreamsOptions } from '../http-streams.ts'
import { type Handler, startServer, type TestServer } from './http-server.ts'
import { openTestStream, type TestStream } from './test-stream.ts'

export interface TestPart extends Partial<HttpStreamOptions> {
  readonly limits?: HttpStreamsOptions['limits']
  readonly lookup?: HttpStreamsOptions['lookup']
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Path of the URL that the stream is given. */
  readonly path?: string
}

/** A stream to `url`, stopped when the test is over. What it says at debug is kept. */
export const streamTo = (url: URL, part: TestPart = {}): TestStream & { readonly debug: readonly string[] } => {
  const { limits, lookup, tls: _tls, path: _path, ...options } = part
  const debug: string[] = []
  const logger = { debug: (_: object, line: string) => void debug.push(line), info() {}, warn() {}, error() {} }
  const open = createHttpStreams({
    logger,
    random: () => 1,
    limits: { retryMs: 10, ...limits },
    ...(lookup === undefined ? {} : { lookup }),
  })
  const stream = openTestStream(open, { url, ...options })
  onTestFinished(() => stream.stop({ graceMs: 100 }))
  return Object.assign(stream, { debug })
}

/** A server that answers as `handler` says, and a stream to it; both end with the test. */
export const begin = async (
  handler: Handler,
  part: TestPart = {},
): Promise<{ readonly server: TestServer; readonly stream: ReturnType<typeof streamTo> }> => {
  const { tls, path } = part
  const server = await startServer(handler, { ...(tls && { tls }), ...(path && { path }) })
  onTestFinished(() => server.close())
  return { server, stream: streamTo(server.url, part) }
}
