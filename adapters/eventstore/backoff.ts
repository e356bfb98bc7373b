/** Longest pause between two attempts, in ms. */
const LONGEST_PAUSE_MS = 2_000
/** Pause after the first failure, in ms; it doubles with each further one. */
const FIRST_PAUSE_MS = 25

/** How long to wait after `failures` (≥ 1) failures in a row, in ms. Half of it is chance, so that many do not return at once. */
export const pauseAfter = (failures: number, random: () => number = Math.random): number => {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16))
  return ceiling / 2 + (ceiling / 2) * random()
}

/** Throws the reason of the first of these signals that is aborted. */
export const throwIfAborted = (signals: readonly AbortSignal[]): void => {
  for (const signal of signals) signal.throwIfAborted()
}
