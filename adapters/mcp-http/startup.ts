import { pause } from '../../domain/kernel/pause.ts'
import { STARTUP_PAUSE_MS } from './limits.ts'
import { isNotUpYet } from './network-failures.ts'
import type { HttpSession } from './session.ts'

/** Tries a first request until the server is there, as long as the session's options allow. @throws what the last attempt threw */
export const whenUp = async (session: HttpSession, go: () => Promise<void>): Promise<void> => {
  const until = performance.now() + (session.options.startupMs ?? 0)
  for (;;) {
    try {
      return await go()
    } catch (error) {
      if (session.isOver || performance.now() >= until || !isNotUpYet(session.failureOf(error))) throw error
    }
    await pause(STARTUP_PAUSE_MS, session.requests.over)
  }
}
