import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'
import { linkSocketOptions } from '../frame.ts'

export interface SocketPair {
  readonly server: WebSocket
  readonly client: WebSocket
  free(): Promise<void>
}

/** Two ends of a real WebSocket on 127.0.0.1. */
export const socketPair = async (): Promise<SocketPair> => {
  const listener = new WebSocketServer({ host: '127.0.0.1', port: 0, ...linkSocketOptions })
  await once(listener, 'listening')
  const address = listener.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  const connection = once(listener, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${address.port}`, linkSocketOptions)
  const [[server]] = await Promise.all([connection, once(client, 'open')])
  return {
    server,
    client,
    async free() {
      client.terminate()
      server.terminate()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
