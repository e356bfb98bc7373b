import type { ServerResponse } from 'node:http'

/** Characters that are written at once. Turning so many into bytes takes a tenth of a millisecond; 50 MB took a quarter of a second. */
export const PIECE_CHARACTERS = 64 * 1024
/** What is bytes already costs an eighth of that. */
const BYTES_A_CHARACTER = 8

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

/** Where a piece ends that begins at `from`: never within a character of two units. */
const pieceEnd = (text: string | Buffer, from: number, size: number): number => {
  const end = Math.min(from + size, text.length)
  const splits = typeof text === 'string' && end < text.length && isHighSurrogate(text.charCodeAt(end - 1))
  return splits ? end - 1 : end
}

/**
 * Writes texts, and bytes, to one response in their order, long ones in pieces, so that it holds nobody else up. A client that takes nothing for
 * `stallMs` is cut off.
 */
export class PacedWriter {
  readonly #response: ServerResponse
  readonly #stallMs: number
  /** Whether texts wait for those before them; if not, short ones go straight through. */
  #busy = false
  /** The text that is being written, from `#at` on. */
  #current: string | Buffer | undefined
  #at = 0
  readonly #behind: (string | Buffer)[] = []
  #behindLength = 0
  #ending = false

  constructor(response: ServerResponse, stallMs: number) {
    this.#response = response
    this.#stallMs = stallMs
  }

  get isOpen(): boolean {
    return !this.#ending && !this.#response.destroyed
  }

  /** How much waits for the client, without the one text that is being written: that one may be as long as it likes. */
  get waiting(): number {
    return this.#behindLength + this.#response.writableLength
  }

  write(text: string | Buffer): void {
    if (!this.#busy && text.length <= PIECE_CHARACTERS) {
      if (!this.#response.write(text)) this.#cutOffWhenStalled()
      return
    }
    this.#behind.push(text)
    this.#behindLength += text.length
    if (this.#busy) return
    this.#busy = true
    this.#go()
  }

  /** Ends the response once all is written. Again: no effect. */
  end(): void {
    if (this.#ending) return
    this.#ending = true
    if (!this.#busy) this.#finish()
  }

  readonly #go = (): void => {
    const response = this.#response
    if (response.destroyed) return
    let isOver = false
    response.cork()
    for (let budget = PIECE_CHARACTERS; budget > 1 && !isOver; ) {
      const text = this.#current ?? this.#next()
      if (text === undefined) isOver = true
      else budget -= this.#writePiece(text, budget)
    }
    response.uncork()
    if (isOver) {
      this.#busy = false
      if (this.#ending) this.#finish()
    } else if (response.writableNeedDrain) {
      response.once('drain', this.#goOn)
      this.#cutOffWhenStalled()
    } else this.#goOn()
  }

  /** @param budget characters, 2 at least @returns what it cost of that */
  #writePiece(text: string | Buffer, budget: number): number {
    const isText = typeof text === 'string'
    const weight = isText ? 1 : BYTES_A_CHARACTER
    const from = this.#at
    const end = pieceEnd(text, from, budget * weight)
    this.#response.write(isText ? text.slice(from, end) : text.subarray(from, end))
    this.#at = end
    if (end === text.length) this.#current = undefined
    return Math.max(Math.ceil((end - from) / weight), 1)
  }

  /** Not at once: a socket that takes all tells of it in the same turn, and the others shall have theirs. */
  readonly #goOn = (): void => {
    setImmediate(this.#go)
  }

  #next(): string | Buffer | undefined {
    const text = this.#behind.shift()
    this.#current = text
    this.#at = 0
    this.#behindLength -= text?.length ?? 0
    return text
  }

  #finish(): void {
    this.#response.end()
    this.#cutOffWhenStalled()
  }

  #cutOffWhenStalled(): void {
    cutOffWhenStalled(this.#response, this.#stallMs)
  }
}

/** Ends the connection of a client that takes nothing of what waits for it for `stallMs`. */
export const cutOffWhenStalled = (response: ServerResponse, stallMs: number): void => {
  const { socket } = response
  if (socket === null || socket.writableLength === 0 || response.listenerCount('timeout') > 0) return
  response.setTimeout(stallMs, () => socket.destroy())
  response.once('drain', () => {
    response.removeAllListeners('timeout')
    response.setTimeout(0)
  })
}
