import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'

/** An endpoint for a client that cannot send a token. */
export interface BearerForwarder {
  readonly port: number
  /** Where requests go from now on, and the token they get. */
  pointAt(port: number, token: string): void
  close(): Promise<void>
}

/**
 * Passes requests on with an `Authorization` header added and nothing else altered, `Host` and `Origin` included; both
 * bodies as they come.
 */
export const startBearerForwarder = async (): Promise<BearerForwarder> => {
  let target: { readonly port: number; readonly token: string } | undefined
  const server = createServer((asked, answer) => {
    if (target === undefined) return void answer.writeHead(503).end()
    const { method, url, rawHeaders } = asked
    const headers = [...rawHeaders, 'Authorization', `Bearer ${target.token}`]
    const passed = forward({ host: '127.0.0.1', port: target.port, method, path: url, headers, setHost: false })
    passed.on('response', (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders)
      answer.flushHeaders()
      answered.pipe(answer)
      answered.on('error', () => answer.destroy())
    })
    passed.on('error', () => answer.destroy()) // the client sees what it would see without us: a connection that breaks
    answer.on('close', () => passed.destroy())
    asked.pipe(passed)
  })
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the forwarder has no port')
  return {
    port: address.port,
    pointAt: (port, token) => {
      target = { port, token }
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
