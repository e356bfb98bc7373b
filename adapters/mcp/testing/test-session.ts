import type { JsonObject } from '../../../domain/kernel/json.ts'
import type { Link, LinkClient, LinkClosed, LinkedProject, LinkFrame, RpcMessage } from '../../../domain/mcp/link.ts'

/** A client session at its end of a link: keeps all that comes, and waits for answers by id. */
export interface TestSession {
  readonly messages: readonly RpcMessage[]
  readonly projects: readonly LinkedProject[]
  readonly closed: LinkClosed | undefined
  readonly link: Link
  /** Says who the client is, as mcplocal does. */
  introduce(client: LinkClient): void
  send(message: Omit<RpcMessage, 'jsonrpc'>, server?: string): void
  /** Sends a request and resolves with the message that answers it. */
  ask(id: string | number, method: string, params?: JsonObject, server?: string): Promise<RpcMessage>
  call(id: string | number, name: string, args?: JsonObject, meta?: JsonObject): Promise<RpcMessage>
  notifications(method: string): readonly RpcMessage[]
}

export const testSession = (link: Link, defaultServer = 'scripted'): TestSession => {
  const messages: RpcMessage[] = []
  const projects: LinkedProject[] = []
  const waiting = new Map<string | number, (message: RpcMessage) => void>()
  let closed: LinkClosed | undefined
  const take = (frame: LinkFrame) => {
    if (frame.type === 'client') return
    if (frame.type === 'project') {
      projects.push(frame.project)
      return
    }
    const { message } = frame
    messages.push(message)
    if (message.method === undefined && message.id !== undefined) waiting.get(message.id)?.(message)
  }
  link.onFrame(take)
  link.onClose((why) => {
    closed = why
  })
  const session: TestSession = {
    messages,
    projects,
    link,
    get closed() {
      return closed
    },
    introduce: (client) => link.send({ type: 'client', client }),
    send: (message, server = defaultServer) =>
      link.send({ type: 'message', server, message: { jsonrpc: '2.0', ...message } }),
    ask(id, method, params = {}, server = defaultServer) {
      const answer = new Promise<RpcMessage>((resolve) => waiting.set(id, resolve))
      session.send({ id, method, params }, server)
      return answer
    },
    call: (id, name, args = {}, meta) =>
      session.ask(id, 'tools/call', { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }),
    notifications: (method) => messages.filter((message) => message.method === method),
  }
  return session
}

/** The text that a tool answered. */
export const answered = (message: RpcMessage): string => {
  const { content } = message.result ?? {}
  const [first] = Array.isArray(content) ? content : []
  return `${first?.text}`
}
