import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** What a server says by itself: a request or a notification, without its id. */
export interface Heard {
  readonly method: string
  readonly params?: object | undefined
}

/** What became of a request, without its id. */
export interface Answered {
  readonly result?: object
  readonly error?: object
}

/** A client that keeps messages as they are: nothing is validated, filled in or left out. */
export interface RawClient {
  readonly heard: readonly Heard[]
  request(method: string, params?: JsonObject): Promise<Answered>
  notify(method: string, params?: JsonObject): Promise<void>
  close(): Promise<void>
}

/** @param answers to what the server asks, by method; asked for anything else, the client says that it cannot */
export const rawClient = async (
  transport: Transport,
  answers: Readonly<Record<string, JsonObject>>,
): Promise<RawClient> => {
  const heard: Heard[] = []
  const waiting = new Map<string | number, (answered: Answered) => void>()
  let lastId = 0
  const answer = (method: string) => {
    const result = answers[method]
    return result === undefined ? { error: { code: -32601, message: 'The client cannot' } } : { result }
  }
  transport.onmessage = (message: JSONRPCMessage) => {
    if ('method' in message) {
      heard.push({ method: message.method, params: message.params })
      if ('id' in message)
        void transport.send({ jsonrpc: '2.0', id: message.id, ...answer(message.method) } as JSONRPCMessage)
      return
    }
    const { jsonrpc: _, id, ...answered } = message
    if (id !== undefined) waiting.get(id)?.(answered)
  }
  await transport.start()
  return {
    heard,
    request(method, params) {
      const id = ++lastId
      const answered = new Promise<Answered>((resolve) => waiting.set(id, resolve))
      const message = { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }
      return transport.send(message as JSONRPCMessage).then(() => answered)
    },
    notify: (method, params) =>
      transport.send({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) } as JSONRPCMessage),
    close: () => transport.close(),
  }
}
