const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 10_000

/** How long to wait until the next attempt after so many in a row that were in vain, in ms: longer and longer, with jitter. */
export const retryMsAfter = (inVain: number, random = Math.random): number =>
  Math.min(FIRST_RETRY_MS * 2 ** inVain, LAST_RETRY_MS) * (0.5 + random())
