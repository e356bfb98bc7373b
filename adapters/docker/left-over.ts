import { messageOf } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { LABEL } from './container-options.ts'
import type { Engine } from './engine.ts'

/** A server of HTTP that a killed mcpd left running waits this long to be used again; what nobody has asked for then goes. */
export const ADOPT_MS = 60_000
const RETRY_MS = 30_000

export interface Sweeper {
  /** Looks now, and again until it could. */
  wake(): void
  /** Removes everything of ours that is not in use, once. @throws StartFailed when the engine is away */
  sweep(): Promise<void>
  /** Settles when the container of that name is not being removed. */
  settled(name: string): Promise<void>
  stop(): void
}

/**
 * Removes containers that carry this mcpd's label and that nobody uses: those that speak on stdin at once, for their
 * session is gone with the connection; those that speak HTTP when nobody has taken them over within `adoptMs`.
 */
export const createSweeper = (options: {
  readonly engine: () => Engine
  readonly owner: string
  readonly logger: Logger
  /** Names of containers that are in use or being started. */
  readonly inUse: (name: string) => boolean
  readonly adoptMs?: number
}): Sweeper => {
  const { engine, owner, logger, inUse, adoptMs = ADOPT_MS } = options
  const removing = new Map<string, Promise<void>>()
  const begun = performance.now()
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let failing = false

  const remove = async (name: string, id: string): Promise<void> => {
    const removed = engine().remove(id)
    removing.set(name, removed)
    try {
      await removed
      logger.info({ container: name }, 'removed a container that was left behind')
    } finally {
      removing.delete(name)
    }
  }

  /** @returns whether some may yet be taken over */
  const look = async (keep: boolean): Promise<boolean> => {
    let kept = false
    const found = await engine().withLabel(`${LABEL.mcpd}=${owner}`)
    const results = await Promise.allSettled(
      found.map(async ({ Id, Names, Labels, State }) => {
        const name = Names[0]?.slice(1) ?? Id
        if (inUse(name)) return
        if (keep && State === 'running' && Labels[LABEL.transport] === 'http') kept = true
        else await remove(name, Id)
      }),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return kept
  }

  const again = (ms: number): void => {
    clearTimeout(timer)
    if (stopped) return
    timer = setTimeout(() => void work(), ms)
    timer.unref()
  }
  const work = async (): Promise<void> => {
    const age = performance.now() - begun
    try {
      if (await look(age < adoptMs)) again(Math.max(0, adoptMs - age))
      failing = false
    } catch (error) {
      const reason = messageOf(error)
      if (!failing) logger.warn({}, `containers that may have been left behind are not looked for yet: ${reason}`)
      failing = true
      again(RETRY_MS)
    }
  }

  return {
    wake: () => again(0),
    sweep: async () => void (await look(false)),
    settled: async (name) => removing.get(name)?.catch(() => {}), // told to whoever removes it
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
