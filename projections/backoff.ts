import { pause } from '../domain/kernel/pause.ts'

/** First and longest wait between two attempts, in ms. */
const FIRST_MS = 100
const LONGEST_MS = 5000

/** Waits before attempt `n` (1, 2, …), doubling with jitter up to 5 s; returns at once when `signal` aborts. */
export const backoff = (n: number, signal: AbortSignal, random: () => number = Math.random): Promise<void> =>
  pause(Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(n - 1, 10)) * (0.75 + random() / 2), signal)
