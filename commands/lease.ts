import type { NewId } from '../domain/kernel/clock.ts'
import { CodedError, isError } from '../domain/kernel/errors.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import type { Logger } from '../domain/kernel/logger.ts'
import { pause } from '../domain/kernel/pause.ts'
import { type LeaseHolder, type LeaseState, leaseDecider, leaseHeld } from '../domain/lease/lease.ts'
import type { CommandLoop } from './handle.ts'
import { reactorContext } from './reactors/reactor.ts'

/** What only one mcpd may do at a time. */
export interface Duty {
  /** Begins it; called again after it was ended. */
  begin(): Promise<void>
  /** Ends it: another mcpd has taken it over, or this one closes. */
  end(): Promise<void>
}

/** The right to do a duty. */
export interface Lease {
  /** Tries for the lease for the first time, and begins the duty if it is got; goes on trying and renewing until `close`. `url`: where the other mcpd reach this one. */
  open(url: string): Promise<void>
  /** Where the duty is done, as last seen: by this mcpd, by nobody, or by another one. */
  place(): 'here' | 'nowhere' | LeaseHolder
  /** Ends the duty and gives the lease back, so that another takes it at once. */
  close(): Promise<void>
}

/** The lease of a mcpd that is alone on its log: the data folder's lock says so. */
export const soleHolder = (duty: Duty): Lease => {
  let begun = false
  return {
    async open() {
      begun = true
      await duty.begin()
    },
    place: () => (begun ? 'here' : 'nowhere'),
    async close() {
      if (begun) await duty.end()
      begun = false
    },
  }
}

export interface LeaseDeps {
  /** The lease's stream. */
  readonly stream: string
  /** Identifies this mcpd, over its restarts too: it takes back at once what it held when it died. */
  readonly id: string
  /** After this long without a renewal the lease may be taken, in ms. */
  readonly ttlMs: number
  readonly log: EventLog
  readonly loop: CommandLoop
  readonly newId: NewId
  readonly logger: Logger
  /** A clock that only goes forward, in ms. */
  readonly monotonic?: () => number
}

/** How often the lease is renewed, or looked at, within its life: two renewals may be lost. */
const LOOKS = 3

/** The lease as it stands since a time of our clock. */
interface Seen {
  readonly state: LeaseState
  readonly since: number
}

/**
 * A lease that several mcpd on one log compete for. While the log is away its holder goes on: nobody else can take it either.
 * A holder that was cut off longer than its lease lasts learns at its next look that it has lost it, and ends the duty; what it
 * wrote meanwhile was refused or is harmless, because every stream is appended to by revision.
 */
export const competingHolder = (duty: Duty, deps: LeaseDeps): Lease => {
  const { stream, id, ttlMs, loop, newId, logger } = deps
  const monotonic = deps.monotonic ?? (() => performance.now())
  const stopping = new AbortController()
  let held = false
  let seen: Seen | undefined
  let running: Promise<void> | undefined
  let failing = false
  const context = () => reactorContext('lease', newId())

  const look = async (me: LeaseHolder): Promise<void> => {
    const { state } = await loop.load(leaseDecider, stream)
    if (seen?.state.revision !== state.revision) seen = { state, since: monotonic() }
    if (held && state.holder?.id === id) {
      const command = { type: 'RenewLease', holder: me, after: state.revision } as const
      await loop.handle(leaseDecider, stream, command, context())
      return
    }
    if (held && state.holder !== undefined) {
      held = false
      logger.warn({ lease: stream, holder: state.holder.url }, 'another mcpd runs the servers now')
      await duty.end()
    }
    await take(me, seen)
  }

  const take = async (me: LeaseHolder, { state, since }: Seen): Promise<void> => {
    // The holder's own time, not ours: it may have been set up differently.
    const stood = state.holder !== undefined && monotonic() - since > state.holder.ttlMs
    const expired = stood ? { expired: state.revision } : {}
    try {
      const done = await loop.handle(leaseDecider, stream, { type: 'TakeLease', holder: me, ...expired }, context())
      seen = { state: done.state, since: monotonic() }
    } catch (error) {
      if (!isError(error, leaseHeld)) throw error
      return
    }
    if (held) return
    logger.info({ lease: stream }, 'this mcpd runs the servers')
    await duty.begin()
    held = true
  }

  const keep = async (me: LeaseHolder): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(ttlMs / LOOKS, stopping.signal)
      if (!stopping.signal.aborted) await look(me).then(well, failed)
    }
  }
  const well = (): void => {
    failing = false
  }
  const failed = (error: unknown): void => {
    if (!(error instanceof CodedError)) logger.error({ lease: stream, err: error }, 'keeping the lease failed')
    else if (!failing) logger.warn({ lease: stream, code: error.code }, `the lease cannot be kept: ${error.message}`)
    failing = true
  }

  return {
    async open(url) {
      const me = { id, url, ttlMs }
      // The log keeps the newest renewal only.
      await deps.log.setRetention(stream, { maxCount: 1 })
      await look(me)
      running = keep(me)
    },
    place: () => (held ? 'here' : (otherThan(id, seen?.state.holder) ?? 'nowhere')),
    async close() {
      stopping.abort()
      await running
      if (!held) return
      held = false
      await duty.end()
      await loop.handle(leaseDecider, stream, { type: 'ReleaseLease', id }, context()).catch((error: unknown) => {
        logger.warn({ lease: stream, err: error }, 'the lease was not given back: it is free when its time is over')
      })
    },
  }
}

const otherThan = (id: string, holder: LeaseHolder | undefined): LeaseHolder | undefined =>
  holder?.id === id ? undefined : holder
