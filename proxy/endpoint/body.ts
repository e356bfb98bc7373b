import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { rpcCode } from '../../domain/mcp/rpc.ts'
import { RpcFault } from '../rpc/errors.ts'
import { type Batch, parseMessage } from '../rpc/message.ts'
import { faultRefusal, type Refusal, refusal, refusalOf } from './refusal.ts'

const tooLarge = (limit: number): Refusal =>
  refusal(413, 'body-too-large', `The body is larger than ${limit} bytes`, { headers: { Connection: 'close' } })

const notUtf8 = refusal(400, 'malformed', 'Parse error: the body is not UTF-8', { rpc: rpcCode.parseError })

/**
 * Reads a request's body whole and hands it to `take`, as text or as the refusal that it is worth. Neither if the client goes away meanwhile.
 * A callback, as this runs for every call.
 */
const readBody = (request: IncomingMessage, limit: number, take: (body: string | Refusal) => void): void => {
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

/** The same as what is in it: a message, or a batch of them. */
export const readMessage = (
  request: IncomingMessage,
  limit: number,
  take: (message: RpcMessage | Batch | Refusal) => void,
): void => readBody(request, limit, (body) => take(typeof body === 'string' ? parsed(body) : body))

const parsed = (body: string): RpcMessage | Batch | Refusal => {
  try {
    return parseMessage(body)
  } catch (error) {
    return error instanceof RpcFault ? faultRefusal(error) : refusalOf(error)
  }
}
