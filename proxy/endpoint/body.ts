import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { rpcCode } from '../../domain/mcp/rpc.ts'
import { type Refusal, refusal } from './refusal.ts'

const tooLarge = (limit: number): Refusal =>
  refusal(413, 'body-too-large', `The body is larger than ${limit} bytes`, { headers: { Connection: 'close' } })

const notUtf8 = refusal(400, 'malformed', 'Parse error: the body is not UTF-8', { rpc: rpcCode.parseError })

/**
 * Reads a request's body whole and hands it to `take`, as text or as the refusal that it is worth. Neither if the client goes away meanwhile.
 * A callback, as this runs for every call.
 */
export const readBody = (request: IncomingMessage, limit: number, take: (body: string | Refusal) => void): void => {
  const chunks: Buffer[] = []
  let size = 0
  const refuseLarge = () => {
    request.removeAllListeners('data').removeAllListeners('end')
    request.resume() // what still comes is thrown away, so that the client gets to read why
    take(tooLarge(limit))
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    refuseLarge()
    return
  }
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) refuseLarge()
    else chunks.push(chunk)
  })
  request.on('end', () => {
    const [first] = chunks
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
    take(isUtf8(body) ? body.toString('utf8') : notUtf8)
  })
}
