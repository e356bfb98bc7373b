import { LONG_ANSWER_BYTES } from '../mcp/long-answer.ts'

const NEWLINE = 10
const RETURN = 13

export interface LineSplitter {
  push(chunk: Buffer): void
  /** The stream has ended. @returns what stood behind the last newline, '' when nothing did. */
  end(): string
}

/**
 * Cuts a byte stream into lines of text. The hot path of every call: it searches bytes natively, decodes each line once
 * and copies only a line that came in several chunks. A newline never stands inside a character of UTF-8, so whole
 * lines decode correctly wherever the chunks were cut.
 *
 * @param onLine gets each line without its `\n` or `\r\n`
 * @param onLong gets lines from `LONG_ANSWER_BYTES` on as the bytes they are, where it is given
 * @param onTooLong gets the first `maxBytes` of a longer line once, at the time it grows too long; its rest is skipped
 */
export const lineSplitter = (options: {
  maxBytes: number
  onLine: (line: string) => void
  onLong?: ((line: Buffer) => void) | undefined
  onTooLong: (start: string) => void
}): LineSplitter => {
  const { maxBytes, onLine, onLong, onTooLong } = options
  let held: Buffer[] = []
  let heldBytes = 0
  let skipping = false

  /** The held bytes with `last` behind them. */
  const take = (last: Buffer): Buffer => {
    if (heldBytes === 0) return last
    const whole = Buffer.concat([...held, last], heldBytes + last.length)
    held = []
    heldBytes = 0
    return whole
  }

  const tooLong = (last: Buffer) => {
    skipping = true
    onTooLong(take(last).toString('utf8', 0, maxBytes))
  }

  return {
    push(chunk) {
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        if (skipping) skipping = false
        else if (heldBytes + end - start > maxBytes) {
          tooLong(chunk.subarray(start, end))
          skipping = false
        } else if (onLong !== undefined && heldBytes + end - start >= LONG_ANSWER_BYTES) {
          onLong(take(chunk.subarray(start, end)))
        } else {
          const line = heldBytes === 0 ? chunk : take(chunk.subarray(start, end))
          const from = line === chunk ? start : 0
          const to = line === chunk ? end : line.length
          onLine(line.toString('utf8', from, to > from && line[to - 1] === RETURN ? to - 1 : to))
        }
        start = end + 1
      }
      if (skipping || start === chunk.length) return
      const rest = start === 0 ? chunk : chunk.subarray(start)
      if (heldBytes + rest.length > maxBytes) return tooLong(rest)
      held.push(rest)
      heldBytes += rest.length
    },
    end() {
      skipping = false
      return take(Buffer.alloc(0)).toString('utf8')
    },
  }
}
