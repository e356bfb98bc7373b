import type { Logger } from '../../domain/kernel/logger.ts'
import { sameJson } from '../../domain/kernel/same-json.ts'
import type { Link, LinkClient, LinkClosed, LinkedProject, LinkFrame, RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, isRequest, notification, rpcCode } from '../../domain/mcp/rpc.ts'
import type { Topology, TopologyProject } from '../../domain/mcp/topology.ts'
import { type CallRecord, createCallObserver, type FinishedCall } from './calls.ts'
import { guarded } from './guarded.ts'
import type { ConnectedInstanceHost } from './host.ts'
import { createListChanges } from './list-changes.ts'
import { refusedCall } from './pending-calls.ts'
import { notAttached } from './rpc-errors.ts'
import { ServerSlot, type SlotPort } from './server-slot.ts'

export interface ServeLinkOptions {
  readonly project: string
  /** mcpd's end. Whoever dialled has been authorised for the project. */
  readonly link: Link
  readonly topology: Topology
  readonly host: Pick<ConnectedInstanceHost, 'connections' | 'onChange'>
  readonly logger: Logger
  /** Who dialled, as `kind:name`. */
  readonly principal?: string
  /** Called once for each request, when it is over. Must not throw. */
  readonly onCall?: (record: CallRecord) => void
  /** mcpd stops: the link is closed as `lost`, so that the client dials again. */
  readonly signal?: AbortSignal
  /** Called once, when the link has ended and nothing of it is left. */
  readonly onEnd?: (closed: LinkClosed) => void
}

/** The server in records of calls for one that the project does not have: that name is the client's own text, of which there is no end. */
const NOT_ATTACHED = '(not attached)'

/**
 * Serves one client session of one project, all its servers, until the link ends. The session outlives its servers'
 * instances: when one ends, only the calls under way fail, and the session goes on with another, or with the same one restarted.
 *
 * @example
 * const [ours, theirs] = createLinkPair()
 * serveLink({ project: 'demo', link: ours, topology, host, logger, onCall: (call) => calls.observe(call) })
 */
export const serveLink = (options: ServeLinkOptions): void => {
  const { project, link, topology, host, logger, signal, principal } = options
  const slots = new Map<string, ServerSlot>()
  const listsChanged = createListChanges((server, list) =>
    deliver(server, notification(`notifications/${list}/list_changed`)),
  )
  let client: LinkClient | undefined
  let known: TopologyProject | undefined
  let published: LinkedProject | undefined

  const deliver = (server: string, message: RpcMessage) => link.send({ type: 'message', server, message })

  const observe = createCallObserver(logger, options.onCall)

  /** Every call passes here, whatever became of it. */
  const finished = (server: string, instance: string | undefined, call: FinishedCall) => {
    // Written out: spreading costs a microsecond a call.
    const { method, tool, durationMs, requestBytes, responseBytes, outcome, errorCode } = call
    observe({
      project,
      server,
      instance,
      principal,
      method,
      tool,
      durationMs,
      requestBytes,
      responseBytes,
      outcome,
      errorCode,
    })
  }

  /** Gives every slot an instance if there is one, and tells the client what changed, the project before the lists. */
  const settle = () => {
    if (known === undefined) return
    for (const [server, slot] of slots) for (const list of slot.settle()) listsChanged.add(server, list)
    publish(known)
  }

  const port: SlotPort = { connections: host.connections, deliver, finished, unsettled: settle }

  const publish = (project: TopologyProject) => {
    const next = { ...project, servers: project.servers.flatMap(({ name }) => slots.get(name)?.linked() ?? []) }
    if (sameJson(next, published)) return
    published = next
    link.send({ type: 'project', project: next })
  }

  const onTopology = (next: TopologyProject | undefined) => {
    known = next
    if (next === undefined) {
      link.close({ code: 'gone', reason: `project ${project} does not exist` })
      return
    }
    const names = new Set(next.servers.map(({ name }) => name))
    for (const [name, slot] of slots) {
      if (names.has(name)) continue
      slots.delete(name)
      slot.close(project)
    }
    for (const server of next.servers) {
      const slot = slots.get(server.name)
      if (slot === undefined) slots.set(server.name, new ServerSlot(server, port, client))
      else slot.update(server)
    }
    settle()
  }

  const onHostChange = (server: string) => {
    if (slots.has(server)) settle()
  }

  const onFrame = (frame: LinkFrame) => {
    if (frame.type === 'project') return link.close({ code: 'closed', reason: 'only mcpd sends project frames' })
    if (frame.type === 'client') {
      client = frame.client
      for (const slot of slots.values()) slot.serve(client)
      return
    }
    const { server, message } = frame
    const slot = slots.get(server)
    if (slot !== undefined) slot.send(message)
    else if (message.id !== undefined && message.method !== undefined) {
      const error = notAttached(server, project)
      deliver(server, errorOf(message.id, error))
      finished(NOT_ATTACHED, undefined, refusedCall(message, error.code))
    }
  }

  const onFailedFrame = (frame: LinkFrame) => {
    const id = frame.type === 'message' && isRequest(frame.message) ? frame.message.id : undefined
    if (frame.type === 'message' && id !== undefined)
      deliver(frame.server, errorOf(id, { code: rpcCode.internal, message: 'Internal error' }))
  }

  const onAbort = () => link.close({ code: 'lost', reason: 'mcpd is stopping' })
  const stopHost = host.onChange(onHostChange)
  const stopTopology = topology.subscribe(project, onTopology)
  link.onFrame(guarded(logger, { project }, onFrame, onFailedFrame))
  link.onClose((closed) => {
    stopTopology()
    stopHost()
    signal?.removeEventListener('abort', onAbort)
    for (const slot of slots.values()) slot.close()
    slots.clear()
    listsChanged.close()
    known = undefined
    options.onEnd?.(closed)
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
}
