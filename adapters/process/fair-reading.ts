import type { Readable } from 'node:stream'

/** A chunk of this size says that more waits behind it: pipes give so much at once. */
const FULL_CHUNK_BYTES = 32 * 1024
/** So much of full chunks is taken in one turn, if it is a message that grows: that costs next to nothing. */
const BURST_BYTES = 256 * 1024
/** Characters for the log in one chunk from which on a program counts as flooding. */
const FLOOD_CHARACTERS = 16 * 1024
/** A flooding program waits so many times as long as a chunk of it took: it has 1 % of the thread, and 99 of 100 calls of others never meet it. */
const FLOOD_PAUSES = 100
/** The least and the most of that: 6 MB a second at most, a tenth of which its log keeps; and it always goes on. */
const MIN_FLOOD_PAUSE_MS = 10
const MAX_FLOOD_PAUSE_MS = 250

/**
 * Reads a program's output so that a flood of it does not keep the other programs of this mcpd from being read: after a
 * burst of full chunks everybody else has a turn, and what floods its log waits longer.
 *
 * @param logged how many characters went to the log since the last call
 */
export const readFairly = (stream: Readable, onChunk: (chunk: Buffer) => void, logged: () => number): void => {
  let burst = 0
  stream.on('data', (chunk: Buffer) => {
    const began = performance.now()
    onChunk(chunk)
    const flooding = logged() > FLOOD_CHARACTERS
    burst = chunk.length < FULL_CHUNK_BYTES ? 0 : burst + chunk.length
    if (burst < BURST_BYTES && !flooding) return
    burst = 0
    stream.pause()
    const goOn = (): void => {
      if (!stream.destroyed) stream.resume()
    }
    const pause = Math.min(Math.max((performance.now() - began) * FLOOD_PAUSES, MIN_FLOOD_PAUSE_MS), MAX_FLOOD_PAUSE_MS)
    if (flooding) setTimeout(goOn, pause)
    else setImmediate(goOn)
  })
}
