import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** How long a start may take, on a machine that has time for it. */
export const START_MS = 2_000
/** What an empty program of Node takes there. A machine that is busy with other things takes longer for both. */
const BARE_MS = 60

/** How long an empty program of Node takes now. */
export const bareStartMs = async (): Promise<number> => {
  const began = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
  return performance.now() - began
}

/**
 * How much longer a start may take, by how long an empty program takes; 1 on a machine that has time. Twice as much as
 * that on a busy one: a start has two threads at work, which then take turns.
 */
export const slowness = (bareMs: number): number => Math.max(1, (2 * bareMs) / BARE_MS - 1)
