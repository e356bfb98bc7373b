import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError, messageOf } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Link, LinkClient, LinkDialer, LinkedProject, RpcMessage } from '../../domain/mcp/link.ts'
import { mcpdUnavailable } from '../link/errors.ts'
import type { SessionLimits } from './limits.ts'

export interface LinkKeeperOptions {
  readonly dialer: LinkDialer
  readonly project: string
  readonly bearer: string
  readonly limits: SessionLimits
  readonly logger: Logger
  /** Jitter of the redial waits. */
  readonly random: () => number
  /** The project, first and whenever it changes; `reopened`: it comes over a new link. */
  onProject(project: LinkedProject, reopened: boolean): void
  onMessage(server: string, message: RpcMessage): void
  /** The link is gone; it is being opened again. */
  onLost(reason: string): void
  /** The right to use the project, or the project, is gone. */
  onEnded(reason: string): void
}

/** Keeps one session's link: opens it, opens it again when it breaks, and ends when mcpd says no. */
export class LinkKeeper {
  readonly #options: LinkKeeperOptions
  readonly #stop = new AbortController()
  readonly #waiting = new Set<(up: boolean) => void>()
  #link: Link | undefined
  #client: LinkClient | undefined
  #upSince = 0
  #wait = 0

  constructor(options: LinkKeeperOptions) {
    this.#options = options
  }

  /** Whether messages can be sent at this moment. */
  get isUp(): boolean {
    return this.#link !== undefined
  }

  /**
   * Opens the link for the first time and waits for the project.
   * @throws CodedError of the dialer; `mcpd-unavailable` after `openMs`
   */
  async open(): Promise<void> {
    await this.#dial(false)
  }

  /** Tells mcpd who the client is, now and over every link to come. */
  introduce(client: LinkClient): void {
    this.#client = client
    this.#link?.send({ type: 'client', client })
  }

  /** Sends a message to a server. False if there is no link. */
  send(server: string, message: RpcMessage): boolean {
    if (this.#link === undefined) return false
    this.#link.send({ type: 'message', server, message })
    return true
  }

  /** Resolves true once the link is up, false when it is not after `linkWaitMs`. */
  whenUp(): Promise<boolean> {
    if (this.isUp) return Promise.resolve(true)
    if (this.#stop.signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const done = (up: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve(up)
      }
      const timer = setTimeout(done, this.#options.limits.linkWaitMs, false)
      this.#waiting.add(done)
    })
  }

  close(reason: string): void {
    this.#stop.abort()
    const link = this.#link
    this.#link = undefined
    this.#wake(false)
    link?.close({ code: 'closed', reason })
  }

  #wake(up: boolean): void {
    for (const done of [...this.#waiting]) done(up)
  }

  async #dial(reopened: boolean): Promise<void> {
    const { limits } = this.#options
    const dialing = new AbortController()
    const abort = () => dialing.abort()
    const late = setTimeout(abort, limits.openMs)
    this.#stop.signal.addEventListener('abort', abort)
    try {
      await this.#firstProject(await this.#newLink(dialing.signal), reopened, dialing.signal)
    } catch (error) {
      if (error instanceof CodedError) throw error
      throw mcpdUnavailable(dialing.signal.aborted ? `no answer within ${limits.openMs} ms` : messageOf(error))
    } finally {
      clearTimeout(late)
      this.#stop.signal.removeEventListener('abort', abort)
    }
  }

  #newLink(signal: AbortSignal): Promise<Link> {
    if (this.#stop.signal.aborted) throw mcpdUnavailable('the session has ended')
    const { dialer, project, bearer } = this.#options
    return dialer.dial(project, bearer, { signal })
  }

  /** Settles with the first `project` frame; from then on, frames go to the session. */
  #firstProject(link: Link, reopened: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        link.close({ code: 'closed', reason: 'the project did not come in time' })
        reject(mcpdUnavailable('the link was opened, but mcpd did not say what the project is'))
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      let known = false
      link.onClose(({ code, reason }) => {
        signal.removeEventListener('abort', abort)
        if (this.#link === link) this.#lost(code, reason)
        else if (!known) reject(mcpdUnavailable(`the link was closed at once: ${reason}`))
      })
      link.onFrame((frame) => {
        if (frame.type === 'message') {
          if (this.#link === link) this.#options.onMessage(frame.server, frame.message)
          return
        }
        if (frame.type !== 'project' || (known && this.#link !== link)) return
        const first = !known
        if (first) {
          known = true
          signal.removeEventListener('abort', abort)
          if (this.#stop.signal.aborted) return abort()
          this.#link = link
          this.#upSince = performance.now()
          if (this.#client !== undefined) link.send({ type: 'client', client: this.#client })
        }
        this.#options.onProject(frame.project, first && reopened)
        if (first) {
          this.#wake(true)
          resolve()
        }
      })
    })
  }

  #lost(code: string, reason: string): void {
    this.#link = undefined
    if (code === 'revoked' || code === 'gone') {
      this.#end(reason)
      return
    }
    this.#options.logger.warn({ project: this.#options.project, code, reason }, 'link lost, opening it again')
    this.#options.onLost(reason)
    void this.#redial() // owned: it ends with the session and throws nothing
  }

  #end(reason: string): void {
    this.#stop.abort()
    this.#wake(false)
    this.#options.onEnded(reason)
  }

  async #redial(): Promise<void> {
    const { limits, random, logger, project } = this.#options
    // A link that opens and breaks at once must not be opened again without a pause.
    if (performance.now() - this.#upSince > limits.redialLastMs) this.#wait = 0
    for (;;) {
      this.#wait = Math.min(Math.max(this.#wait * 2, limits.redialFirstMs), limits.redialLastMs)
      try {
        await sleep(this.#wait * (0.5 + random()), undefined, { signal: this.#stop.signal })
        await this.#dial(true)
        return
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (error instanceof CodedError && isFinal(error)) {
          this.#end(error.message)
          return
        }
        logger.debug({ project, reason: messageOf(error) }, 'link not opened')
      }
    }
  }
}

/** mcpd has decided: another attempt with the same bearer gives the same answer. 429 and 408 are about the moment. */
const isFinal = ({ status }: CodedError): boolean => status === 401 || status === 403 || status === 404
