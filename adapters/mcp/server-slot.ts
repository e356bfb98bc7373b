import { isObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { LinkClient, LinkedServer, RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, type RpcError } from '../../domain/mcp/rpc.ts'
import { toolPolicy } from '../../domain/mcp/tool-rules.ts'
import type { TopologyServer } from '../../domain/mcp/topology.ts'
import type { FinishedCall } from './calls.ts'
import type { ServerList } from './list-changes.ts'
import { refusedCall } from './pending-calls.ts'
import { serverDetached, serverUnavailable, toolNotOffered } from './rpc-errors.ts'
import type { Attachment, SessionState, Upstream } from './upstream.ts'

/** What a slot needs of the client session that it belongs to. */
export interface SlotPort {
  /** The connections of a server's running instances, none that is being stopped, the one that began last at the end. */
  connections(server: string): readonly Upstream[]
  deliver(server: string, message: RpcMessage): void
  finished(server: string, instance: string | undefined, call: FinishedCall): void
  /** The instance ended or is about to: the slot wants to be asked to `settle`. */
  unsettled(): void
}

/** Longest reason that is told to a client, in characters. */
const MAX_REASON = 1000

/**
 * One server as one client session sees it: it stays with one instance, the least loaded one when it came, and moves to
 * another when that ends. What the session has asked for (subscriptions, log level) moves along.
 */
export class ServerSlot {
  readonly #port: SlotPort
  readonly #state: SessionState = { subscriptions: new Set() }
  /** Instances that are being stopped and may still answer what they were asked. */
  readonly #draining = new Set<Attachment>()
  #entry: TopologyServer
  #current: Attachment | undefined
  #lastEnd: string | undefined

  constructor(entry: TopologyServer, port: SlotPort, client: LinkClient | undefined) {
    this.#entry = entry
    this.#port = port
    if (client !== undefined) this.#state.client = client
  }

  /** Who the session is for. It comes before the first message: there is nothing yet that could get lost. */
  serve(client: LinkClient): void {
    this.#state.client = client
    const attached = this.#current
    if (attached === undefined) return
    attached.detach()
    this.#attach(attached.upstream)
  }

  update(entry: TopologyServer): void {
    this.#entry = entry
  }

  /**
   * Finds an instance if there is none at the moment.
   * @returns what the client should list again, if it now talks to another instance than before
   */
  settle(): readonly ServerList[] {
    if (this.#current !== undefined) return []
    const moved = this.#lastEnd !== undefined
    // Of equals, one that moves takes the instance that began last: during a rolling change the others go next.
    const candidates = moved ? [...this.#candidates()].reverse() : this.#candidates()
    const upstream = leastLoaded(candidates)
    if (upstream === undefined) return []
    this.#attach(upstream)
    return moved ? listsOf(upstream.initialize.capabilities) : []
  }

  send(message: RpcMessage): void {
    if (message.method === 'tools/call' && !this.#offers(message.params?.name)) {
      if (message.id !== undefined) this.#refuse(message.id, message, toolNotOffered(message.params?.name))
      return
    }
    if (message.method === 'notifications/cancelled') for (const each of this.#draining) each.send(message)
    if (this.#current !== undefined) this.#current.send(message)
    else if (message.id !== undefined && message.method !== undefined)
      this.#refuse(message.id, message, serverUnavailable(this.#entry.name, this.#reason()))
  }

  linked(): LinkedServer {
    const { name, tools, sessions } = this.#entry
    const known = { ...(tools === undefined ? {} : { tools }), ...(sessions === undefined ? {} : { sessions }) }
    // One that is being stopped still answers: told that it is unavailable, mcplocal would give up the calls under way.
    const attached = this.#current ?? [...this.#draining].at(-1)
    return attached === undefined
      ? { name, state: 'unavailable', reason: this.#reason(), ...known }
      : { name, state: 'ready', initialize: attached.upstream.initialize, ...known }
  }

  /** @param project set when the client is still there and only this server goes */
  close(project?: string): void {
    const error = project === undefined ? undefined : serverDetached(this.#entry.name, project)
    this.#current?.detach(error)
    for (const each of this.#draining) each.detach(error)
    this.#current = undefined
    this.#draining.clear()
  }

  #candidates(): readonly Upstream[] {
    // From the host, not from the topology: rows follow the host, and a new copy serves before they name it.
    return this.#port.connections(this.#entry.name).filter(({ ended }) => ended === undefined)
  }

  #attach(upstream: Upstream): void {
    const { name } = this.#entry
    const port = this.#port
    const leave = (why: string) => {
      this.#lastEnd = why.slice(0, MAX_REASON)
      if (this.#current === attachment) this.#current = undefined
    }
    const attachment = upstream.attach(
      {
        deliver: (message) => port.deliver(name, message),
        finished: (call) => port.finished(name, upstream.instance, call),
        draining: () => {
          leave('it is being stopped')
          this.#draining.add(attachment)
          port.unsettled()
        },
        ended: (reason) => {
          if (!this.#draining.delete(attachment)) leave(reason)
          port.unsettled()
        },
      },
      this.#state,
    )
    this.#current = attachment
  }

  /** The project's rules hold for whoever speaks the link's protocol, not only for mcplocal, which does not offer the others. */
  #offers(tool: JsonValue | undefined): boolean {
    const { tools } = this.#entry
    return tools === undefined || (typeof tool === 'string' && toolPolicy(tools).wanted(tool) !== undefined)
  }

  #refuse(id: string | number, message: RpcMessage, error: RpcError): void {
    this.#port.deliver(this.#entry.name, errorOf(id, error))
    this.#port.finished(this.#entry.name, undefined, refusedCall(message, error.code))
  }

  #reason(): string {
    // The topology gives none as long as it takes the server for running: what we saw ourselves is newer then.
    const told = this.#entry.reason ?? this.#lastEnd
    return told?.slice(0, MAX_REASON) ?? 'it is not running'
  }
}

const leastLoaded = (upstreams: readonly Upstream[]): Upstream | undefined =>
  upstreams.reduce<Upstream | undefined>(
    (best, each) => (best === undefined || each.sessions < best.sessions ? each : best),
    undefined,
  )

const LISTS: readonly ServerList[] = ['tools', 'prompts', 'resources']

const listsOf = (capabilities: JsonValue | undefined): readonly ServerList[] =>
  isObject(capabilities) ? LISTS.filter((list) => list in capabilities) : []
