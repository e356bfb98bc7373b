import { messageOf } from '../../domain/kernel/errors.ts'
import type { FeedServer } from '../../proxy/inspector/feed.ts'
import type { Deps } from '../deps.ts'
import { isCode } from '../errors.ts'
import { projectEndpoint } from '../mcp-client/endpoint.ts'
import { type FeedUpdate, followFeed } from './feed-client.ts'
import { ProjectSession } from './project-session.ts'
import { Traffic } from './traffic.ts'

/** How the feed is. `ended`: another attempt gives the same answer. */
export type FeedState =
  | { readonly state: 'connecting' | 'live' }
  | { readonly state: 'away' | 'ended' | 'mcpd-away'; readonly reason: string }

/** How often the screen hears of what has come, at most. */
const TELL_MS = 80

/** Everything that the console shows, and how it changes: the feed, and a session of its own. */
export class Backend {
  readonly project: string
  readonly session: ProjectSession
  readonly traffic = new Traffic()
  readonly #deps: Pick<Deps, 'config'>
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #version = 0
  feed: FeedState = { state: 'connecting' }
  servers: readonly FeedServer[] = []

  constructor(deps: Pick<Deps, 'config'>, project: string) {
    this.#deps = deps
    this.project = project
    this.session = new ProjectSession(deps, project, this.#stop.signal, () => this.#changed())
  }

  /** Begins to follow and to connect; ends with `close`. */
  start(): void {
    void this.session.open() // owned: it throws nothing, `state` says what happened
    void this.#follow() // owned likewise
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    await this.session.close()
    this.#stop.abort()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Another number whenever something has changed. */
  readonly snapshot = (): number => this.#version

  /** Says that something has changed, soon: many changes are one. */
  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.traffic.settle()
      this.#version += 1
      for (const listener of this.#listeners) listener()
    }, TELL_MS)
  }

  async #follow(): Promise<void> {
    const { token = '' } = projectEndpoint(this.#deps, this.project)
    const { mcplocal } = this.#deps.config
    const { signal } = this.#stop
    try {
      for await (const update of followFeed({ mcplocal, project: this.project, token, signal })) {
        this.#take(update)
        this.#changed()
      }
    } catch (error) {
      if (isCode(error, 'interrupted')) return
      this.feed = { state: 'ended', reason: messageOf(error) }
      this.#changed()
    }
  }

  #take(update: FeedUpdate): void {
    switch (update.event) {
      case 'message':
        this.traffic.add({ record: update.data, raw: update.raw })
        return
      case 'hello': {
        // mcplocal may be another one now, which has never heard of our session.
        if (this.feed.state === 'away') void this.session.check() // owned: `state` says what happened
        this.feed = { state: 'live' }
        this.traffic.hello(update.data)
        return
      }
      case 'session':
        this.traffic.session(update.data)
        return
      case 'project':
        this.servers = update.data.servers
        return
      case 'link':
        this.feed =
          update.data.state === 'up' ? { state: 'live' } : { state: 'mcpd-away', reason: update.data.reason ?? '' }
        return
      case 'lost':
        this.traffic.missed(update.data.count)
        return
      case 'away':
        this.feed = { state: 'away', reason: update.reason }
    }
  }
}
