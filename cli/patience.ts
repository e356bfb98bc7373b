import type { Deps } from './deps.ts'
import { CliError, isCode } from './errors.ts'

/** Pause between attempts while mcpd is away, and how many there are. */
const RETRY_PAUSE_MS = 1000
const MAX_RETRIES = 60

/** Asks, and again while mcpd is away: its restart does not end what goes on until Ctrl-C. */
export const patiently = async <Answer>(deps: Deps, ask: () => Promise<Answer>): Promise<Answer> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (!isAway(error) || attempt >= MAX_RETRIES) throw error
      if (attempt === 0) deps.out.note(`${error.message}; waiting for it`)
      await deps.sleep(RETRY_PAUSE_MS)
    }
  }
}

/** mcpd is not there, or says that it stops or starts. */
export const isAway = (error: unknown): error is CliError =>
  isCode(error, 'unreachable') || (error instanceof CliError && error.status === 503)
