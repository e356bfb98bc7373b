import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcError, RpcResponse } from '../../domain/mcp/rpc.ts'
import type { Exchange } from '../session/client-request.ts'
import { negotiate, type ProtocolVersion } from '../session/initialize.ts'
import type { Session } from '../session/session.ts'
import { Batch, batchRefused, messageText } from './message.ts'

/** A session whose client has one way in and one way out, as over STDIO and HTTP+SSE: every answer goes where all else goes. */
export class Pipe {
  readonly #session: Session
  readonly #write: (text: string) => boolean
  readonly #exchange: Exchange
  #version: ProtocolVersion | undefined

  /** @param write sends one text to the client; false if it is gone */
  constructor(session: Session, write: (text: string) => boolean) {
    this.#session = session
    this.#write = write
    const send = (message: RpcMessage) => sendOn(write, message)
    this.#exchange = { send, end: (answer) => void (answer !== undefined && send(answer)) }
  }

  /** Takes what the client sent. Returns why it is refused, if it is. */
  take(input: RpcMessage | Batch): RpcError | undefined {
    if (input instanceof Batch) return batchRefused(this.#version) ?? this.#takeBatch(input)
    const wanted = input.method === 'initialize' ? input.params?.protocolVersion : undefined
    if (typeof wanted === 'string') this.#version ??= negotiate(wanted)
    this.#session.receive(input, this.#exchange)
    return undefined
  }

  /** The answers come together, once all are there. */
  #takeBatch({ messages, requests, faults }: Batch): undefined {
    const answers = [...faults]
    let owed = requests.length
    const done = (): void => {
      if (owed === 0 && answers.length > 0) this.#write(`[${answers.join(',')}]`)
    }
    const end = (answer: RpcResponse | undefined): void => {
      const text = answer === undefined ? undefined : messageText(answer)
      if (text !== undefined) answers.push(text)
      owed--
      done()
    }
    done() // if nothing else is due
    for (const message of messages) this.#session.receive(message, { send: this.#exchange.send, end })
    return undefined
  }
}

/** Writes a message. False if it cannot be written, or the client is gone. */
export const sendOn = (write: (text: string) => boolean, message: RpcMessage): boolean => {
  const text = messageText(message)
  return text !== undefined && write(text)
}
