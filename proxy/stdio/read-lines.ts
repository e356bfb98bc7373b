import type { Readable } from 'node:stream'
import { type RpcError, rpcCode } from '../../domain/mcp/rpc.ts'

/**
 * The lines of a stream, until it ends or `signal` fires. A line that is too long is skipped, never kept: an error comes in its place.
 * (`readline` has no bound.)
 */
export async function* readLines(
  stream: Readable,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<string | RpcError> {
  let parts: Buffer[] = []
  let size = 0
  let skipping = false
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    for await (const chunk of stream) {
      let rest: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
      for (let newline = rest.indexOf(0x0a); newline >= 0; newline = rest.indexOf(0x0a)) {
        const line = rest.subarray(0, newline)
        rest = rest.subarray(newline + 1)
        if (skipping || size + line.length > maxBytes) yield tooLong(maxBytes)
        else yield Buffer.concat([...parts, line]).toString('utf8')
        parts = []
        size = 0
        skipping = false
      }
      size += rest.length
      if (size > maxBytes) {
        skipping = true
        parts = []
      } else if (rest.length > 0) parts.push(rest)
    }
    if (skipping) yield tooLong(maxBytes)
    else if (size > 0) yield Buffer.concat(parts).toString('utf8')
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const tooLong = (maxBytes: number): RpcError => ({
  code: rpcCode.invalidRequest,
  message: `Invalid request: the message is larger than ${maxBytes} bytes`,
})
