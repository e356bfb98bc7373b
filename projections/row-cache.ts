/** Most rows a generation keeps in memory. */
export const CACHED_ROWS = 20_000
/** Most bytes of JSON these rows may have. */
export const CACHED_BYTES = 12 * 1024 * 1024

interface Entry {
  readonly row: object | undefined
  readonly bytes: number
}

/**
 * The rows a generation wrote last, so that it need not read them: it is their only writer. `undefined` in it means "no
 * such row"; a miss means "not known", but for a generation that was empty when the cache began and has forgotten nothing.
 */
export class RowCache {
  readonly #entries = new Map<string, Entry>()
  readonly #maxRows: number
  readonly #maxBytes: number
  #bytes = 0
  #complete: boolean

  constructor(empty: boolean, maxRows = CACHED_ROWS, maxBytes = CACHED_BYTES) {
    this.#complete = empty
    this.#maxRows = maxRows
    this.#maxBytes = maxBytes
  }

  /** Whether a miss means that there is no such row. */
  get complete(): boolean {
    return this.#complete
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  get(key: string): object | undefined {
    return this.#entries.get(key)?.row
  }

  /** Notes a row as it is in the database, `bytes` long as JSON, as the last used one. */
  set(key: string, row: object | undefined, bytes: number): void {
    this.#drop(key)
    if (row === undefined && this.#complete) return
    this.#entries.set(key, { row, bytes: bytes + key.length })
    this.#bytes += bytes + key.length
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxRows && this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
      this.#complete = false
    }
  }

  /** Forgets everything: what is in the database is no longer certain. */
  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#complete = false
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
