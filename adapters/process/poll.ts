import { setTimeout as delay } from 'node:timers/promises'

// Loaded by the watcher too: nothing but node's own modules.

const FIRST_POLL_MS = 5
const LONGEST_POLL_MS = 50

/**
 * Looks again and again, at first often, until it is so, `ms` at most. @returns whether that came
 * @param whileNot is done before each wait
 */
export const soWithin = async (ms: number, isSo: () => boolean, whileNot: () => void = () => {}): Promise<boolean> => {
  const deadline = performance.now() + ms
  for (let pause = FIRST_POLL_MS; !isSo(); pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
    const left = deadline - performance.now()
    if (left <= 0) return false
    whileNot()
    await delay(Math.min(pause, left))
  }
  return true
}
