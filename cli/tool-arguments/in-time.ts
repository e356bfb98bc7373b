import { runInNewContext } from 'node:vm'
import { codeOf } from '../../domain/kernel/errors.ts'

/** Longest time for what a foreign schema makes us do. */
const MOST_MS = 1_000

/**
 * Runs something whose length a server decides: regular expressions of its schemas on its own texts may take for ever.
 * @throws Error when it takes longer than a second; it has ended then
 */
export const inTime = <Answer>(run: () => Answer): Answer => {
  try {
    return runInNewContext('run()', { run }, { timeout: MOST_MS }) as Answer // what `run` answers
  } catch (error) {
    if (codeOf(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Error('it takes too long')
    throw error
  }
}
