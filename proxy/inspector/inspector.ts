import { createHash, timingSafeEqual } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer, LinkedProject } from '../../domain/mcp/link.ts'
import { acceptsOf } from '../endpoint/headers.ts'
import type { EndpointLimits } from '../endpoint/limits.ts'
import { methodNotAllowed, refusal, refusalOf, refuse, stopping } from '../endpoint/refusal.ts'
import type { Visit } from '../endpoint/visit.ts'
import type { SessionLimits } from '../session/limits.ts'
import { LinkKeeper, type LinkKeeperOptions } from '../session/link-keeper.ts'
import { type FeedServer, type FeedSession, shortenedId } from './feed.ts'
import type { InspectorLimits } from './limits.ts'
import type { Taps } from './taps.ts'
import { Watch } from './watch.ts'
import { Watcher } from './watcher.ts'

/** A client session, as far as watching it needs. */
export interface InspectedSession {
  readonly id: string
  readonly project: string
  readonly bearer: Buffer
  /** What the client calls itself. */
  readonly client: string
  readonly session: { readonly taps: Taps }
}

export interface InspectorOptions {
  readonly dialer: LinkDialer
  readonly logger: Logger
  readonly endpointLimits: EndpointLimits
  readonly sessionLimits: SessionLimits
  readonly limits: InspectorLimits
  /** All sessions that are open. */
  sessions(): Iterable<InspectedSession>
}

/**
 * `GET /projects/<name>/inspect`: the messages of a project's sessions while they pass, as server-sent events. A watcher sees the sessions
 * that were opened with the bearer it has itself, for as long as mcpd lets that bearer use the project: it holds a link of its own, by which mcpd
 * says so. While nobody watches, nothing is recorded or kept.
 */
export class Inspector {
  readonly #options: InspectorOptions
  readonly #watches = new Set<Watch>()
  readonly #feeds = new Map<Watcher, LinkKeeper>()
  #opening = 0
  #stopping = false

  constructor(options: InspectorOptions) {
    this.#options = options
  }

  handle({ request, response, project, bearer }: Visit): void {
    if (request.method !== 'GET') refuse(response, methodNotAllowed(request.method ?? '', 'GET'))
    else if (!acceptsOf(request).sse) refuse(response, onlyEvents)
    else if (this.#feeds.size + this.#opening >= this.#options.limits.watchers) refuse(response, tooManyWatchers)
    else void this.#open(response, project, bearer) // owned: it answers whatever happens
  }

  /** A session has been opened. */
  entered(held: InspectedSession): void {
    if (this.#watches.size === 0) return
    const watch = this.#watchOf(held.project, sha256(held.bearer))
    if (watch === undefined) return
    held.session.taps.listener = watch.tap(shortenedId(held.id))
    watch.tell('session', { ...shown(held), state: 'open', at: new Date().toISOString() })
  }

  /** A session has ended. */
  left(held: InspectedSession, reason: string): void {
    if (held.session.taps.listener === undefined) return
    held.session.taps.listener = undefined
    const watch = this.#watchOf(held.project, sha256(held.bearer))
    watch?.tell('session', { ...shown(held), state: 'ended', at: new Date().toISOString(), reason })
  }

  tick(now: number): void {
    for (const watcher of this.#feeds.keys()) watcher.beat(now)
  }

  /** Ends all feeds, and takes no more. */
  close(reason: string): void {
    this.#stopping = true
    for (const [watcher, keeper] of this.#feeds) {
      watcher.end({ code: 'stopping', reason })
      keeper.close(reason)
    }
  }

  async #open(response: ServerResponse, project: string, bearer: string): Promise<void> {
    let servers: readonly FeedServer[] = []
    let watcher: Watcher | undefined
    let revoked: string | undefined
    const keeper = this.#keeper(project, bearer, {
      onProject: (told, reopened) => {
        servers = serversOf(told)
        if (reopened) watcher?.send('link', { state: 'up' })
        watcher?.send('project', { servers })
      },
      onLost: (reason) => watcher?.send('link', { state: 'lost', reason }),
      onEnded: (reason) => {
        revoked = reason
        watcher?.end({ code: 'revoked', reason })
      },
    })
    response.once('close', () => keeper.close('the watcher has gone'))
    this.#opening += 1
    try {
      await keeper.open()
    } catch (error) {
      const refused = refusalOf(error)
      if (refused.status >= 500) this.#options.logger.warn({ err: error, project }, 'feed not opened')
      refuse(response, refused)
      return
    } finally {
      this.#opening -= 1
    }
    if (this.#stopping || response.destroyed) {
      keeper.close('nobody watches')
      refuse(response, stopping)
      return
    }
    const { endpointLimits, limits } = this.#options
    watcher = new Watcher(response, endpointLimits, limits.watcherBytes)
    this.#begin(watcher, keeper, response, project, sha256(bearer))
    watcher.send('project', { servers })
    if (revoked !== undefined) watcher.end({ code: 'revoked', reason: revoked }) // before there was a watcher to tell
  }

  #keeper(
    project: string,
    bearer: string,
    on: Pick<LinkKeeperOptions, 'onProject' | 'onLost' | 'onEnded'>,
  ): LinkKeeper {
    const { dialer, logger, sessionLimits } = this.#options
    // No server hears of this link: it says of no client, and what servers send to everybody is not looked at.
    return new LinkKeeper({
      ...on,
      dialer,
      project,
      bearer,
      limits: sessionLimits,
      logger,
      random: Math.random,
      onMessage: () => {},
    })
  }

  #begin(watcher: Watcher, keeper: LinkKeeper, response: ServerResponse, project: string, bearer: Buffer): void {
    const { limits } = this.#options
    const found = this.#watchOf(project, bearer)
    const watch = found ?? new Watch(project, bearer, limits)
    const sessions = this.#sessionsOf(watch)
    if (found === undefined) {
      this.#watches.add(watch)
      for (const held of sessions) held.session.taps.listener = watch.tap(shortenedId(held.id))
    }
    this.#feeds.set(watcher, keeper)
    watch.join(watcher, sessions.map(shown))
    response.once('close', () => {
      this.#feeds.delete(watcher)
      watch.leave(watcher)
      if (watch.size > 0) return
      this.#watches.delete(watch)
      for (const held of this.#sessionsOf(watch)) held.session.taps.listener = undefined
    })
  }

  #watchOf(project: string, bearer: Buffer): Watch | undefined {
    for (const watch of this.#watches)
      if (watch.project === project && timingSafeEqual(watch.bearer, bearer)) return watch
    return undefined
  }

  #sessionsOf({ project, bearer }: Watch): InspectedSession[] {
    return [...this.#options.sessions()].filter(
      (held) => held.project === project && timingSafeEqual(sha256(held.bearer), bearer),
    )
  }
}

const sha256 = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()

const shown = ({ id, client }: InspectedSession): FeedSession => ({ session: shortenedId(id), client })

const serversOf = ({ servers }: LinkedProject): FeedServer[] =>
  servers.map(({ name, state, reason }) => ({ name, state, ...(reason === undefined ? {} : { reason }) }))

const onlyEvents = refusal(406, 'not-acceptable', 'The feed is a stream of server-sent events', {
  hint: 'Send "Accept: text/event-stream"',
})

const tooManyWatchers = refusal(503, 'too-many-watchers', 'As many watch as there may be', {
  hint: 'Close a console that is not needed',
  headers: { 'Retry-After': '5' },
})
