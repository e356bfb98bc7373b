import type { Readable } from 'node:stream'

/** A chunk of this size says that more waits behind it: pipes give so much at once. */
const FULL_CHUNK_BYTES = 32 * 1024
/** Characters for the log in one chunk from which on a program counts as flooding. */
const FLOOD_CHARACTERS = 16 * 1024
/** How long a flooding program waits before more of it is read: it gets 6 MB a second at most, and its log keeps less. */
const FLOOD_PAUSE_MS = 10

/**
 * Reads a program's output so that a flood of it does not keep the other programs of this mcpd from being read: between
 * two full chunks everybody else has a turn, and what floods its log waits longer.
 *
 * @param logged how many characters went to the log since the last call
 */
export const readFairly = (stream: Readable, onChunk: (chunk: Buffer) => void, logged: () => number): void => {
  stream.on('data', (chunk: Buffer) => {
    onChunk(chunk)
    const flooding = logged() > FLOOD_CHARACTERS
    if (chunk.length < FULL_CHUNK_BYTES && !flooding) return
    stream.pause()
    const goOn = (): void => {
      if (!stream.destroyed) stream.resume()
    }
    if (flooding) setTimeout(goOn, FLOOD_PAUSE_MS)
    else setImmediate(goOn)
  })
}
