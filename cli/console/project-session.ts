import { messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { pause } from '../../domain/kernel/pause.ts'
import { shortenedId } from '../../proxy/inspector/feed.ts'
import type { Deps } from '../deps.ts'
import { CliError, isCode } from '../errors.ts'
import { connectMcp, type McpConnection } from '../mcp-client/connect.ts'
import { type McpEndpoint, projectEndpoint } from '../mcp-client/endpoint.ts'
import { McpFailure } from '../mcp-client/failure.ts'
import { listAll, type McpListed } from '../mcp-client/lists.ts'
import { patience } from '../mcp-client/project.ts'
import { retryMsAfter } from './retry.ts'

export type ListState =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly items: readonly JsonObject[] }
  | { readonly state: 'failed'; readonly reason: string }

/** How the console's own session is. `refused`: another attempt gives the same answer. */
export type SessionState =
  | { readonly state: 'connecting' }
  | { readonly state: 'ready'; readonly session: string }
  | { readonly state: 'away' | 'refused'; readonly reason: string }

const LISTED = ['tool', 'prompt', 'resource', 'resourcetemplate'] as const

/** The console's own MCP session with the project. When mcplocal is away, or has forgotten it, it is opened again. */
export class ProjectSession {
  readonly #endpoint: McpEndpoint
  readonly #signal: AbortSignal
  readonly #onChange: () => void
  readonly #random: () => number
  #connection: McpConnection | undefined
  #opening: Promise<void> | undefined
  state: SessionState = { state: 'connecting' }
  lists: Readonly<Record<McpListed, ListState>> = everywhere({ state: 'loading' })

  /** @param onChange called whenever `state` or `lists` is another */
  constructor(
    deps: Pick<Deps, 'config'>,
    project: string,
    signal: AbortSignal,
    onChange: () => void,
    random = Math.random,
  ) {
    this.#endpoint = projectEndpoint(deps, project)
    this.#signal = signal
    this.#onChange = onChange
    this.#random = random
  }

  get endpoint(): string {
    return this.#endpoint.url.href
  }

  /** Opens the session, waiting for mcplocal as long as that takes. */
  open(): Promise<void> {
    this.#opening ??= this.#keepTrying().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /** Asks whether the session is still known, and opens it again if not. */
  async check(): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return await this.open()
    try {
      await connection.request('ping')
    } catch (error) {
      if (!isLost(error)) return // somebody answered
      await this.#reopen(connection, error)
    }
  }

  /**
   * Asks in the session. A request that found its session forgotten never ran: it is sent once more, in a new one.
   * @throws McpFailure; CliError `interrupted`, `not-connected`
   */
  async request(method: string, params: JsonObject | undefined): Promise<JsonObject> {
    const connection = this.#connection
    if (connection === undefined) throw new CliError('not-connected', 'The console is not connected')
    try {
      return await connection.request(method, params)
    } catch (error) {
      if (!isLost(error)) throw error
      const opened = this.#reopen(connection, error)
      if (!isForgotten(error)) throw error
      await opened
      if (this.#connection === undefined) throw error // `state` says why there is none
      return await this.#connection.request(method, params)
    }
  }

  /** Reads one list again, or all. */
  async refresh(listed: readonly McpListed[] = LISTED): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    await Promise.all(
      listed.map(async (each) => {
        try {
          this.#list(each, { state: 'ready', items: await listAll(connection, each) })
        } catch (error) {
          if (this.#connection === connection) this.#list(each, { state: 'failed', reason: messageOf(error) })
        }
      }),
    )
  }

  async close(): Promise<void> {
    await this.#connection?.close()
    this.#connection = undefined
  }

  /** @param lost what is to be replaced; another request may have seen to that already */
  async #reopen(lost: McpConnection, error: unknown): Promise<void> {
    if (this.#connection === lost) {
      this.#become({ state: 'away', reason: messageOf(error) })
      this.#connection = undefined
      void lost.close().catch(() => {}) // it is gone already
    }
    if (this.#connection === undefined) await this.open()
  }

  async #keepTrying(): Promise<void> {
    for (let inVain = 0; !this.#signal.aborted; inVain += 1) {
      try {
        await this.#connect()
        if (this.#connection !== undefined) return // it may be lost again already
      } catch (error) {
        if (this.#signal.aborted || isCode(error, 'interrupted')) return
        const isFinal = !(error instanceof McpFailure) || error.kind === 'denied' || error.status === 404
        this.#become({ state: isFinal ? 'refused' : 'away', reason: messageOf(error) })
        if (isFinal) return
      }
      await pause(retryMsAfter(inVain, this.#random), this.#signal)
    }
  }

  async #connect(): Promise<void> {
    const connection = await connectMcp(this.#endpoint, {
      signal: this.#signal,
      ...patience,
      prepare: (client) => {
        client.fallbackNotificationHandler = async ({ method }) => {
          const changed = CHANGES[method]
          if (changed !== undefined) await this.refresh(changed)
        }
      },
    })
    this.#connection = connection
    this.#become({ state: 'ready', session: shortenedId(connection.client.transport?.sessionId ?? '') })
    await this.refresh()
  }

  #list(listed: McpListed, state: ListState): void {
    this.lists = { ...this.lists, [listed]: state }
    this.#onChange()
  }

  #become(state: SessionState): void {
    this.state = state
    this.#onChange()
  }
}

const CHANGES: Readonly<Record<string, readonly McpListed[]>> = {
  'notifications/tools/list_changed': ['tool'],
  'notifications/prompts/list_changed': ['prompt'],
  'notifications/resources/list_changed': ['resource', 'resourcetemplate'],
}

const everywhere = (state: ListState): Readonly<Record<McpListed, ListState>> => ({
  tool: state,
  prompt: state,
  resource: state,
  resourcetemplate: state,
})

const isLost = (error: unknown): boolean =>
  isForgotten(error) || (error instanceof McpFailure && error.kind === 'unreachable')

const isForgotten = (error: unknown): boolean =>
  error instanceof McpFailure && (error.code === 'session-unknown' || error.code === 'session-ended')
