import { EventStoreDBClient } from '@eventstore/db-client'
import { type Life, setRight } from './client-repairs.ts'
import { type Address, invalidConnectionString, parseConnectionString } from './connection-string.ts'

/** Use of a client for one operation. */
export interface Lease {
  readonly client: EventStoreDBClient
  release(): void
}

interface Entry {
  readonly client: EventStoreDBClient
  readonly life: Life
  leases: number
  retired: boolean
}

/**
 * The client in use, replaced by a fresh one whenever it is spoiled: after failed cluster discovery one client goes on
 * failing for ever. What is under way on the old one ends there; then it is freed.
 */
export class Clients {
  readonly #address: Address
  readonly #entries = new Set<Entry>()
  readonly #retiring = new Set<Promise<void>>()
  #made = 0
  #current: Entry | undefined

  /** @throws invalidConnectionString */
  constructor(connectionString: string) {
    this.#address = parseConnectionString(connectionString)
    this.#current = this.#make()
  }

  lease(): Lease {
    const entry = this.#current ?? this.#make()
    this.#current = entry
    entry.leases += 1
    let released = false
    return {
      client: entry.client,
      release: () => {
        if (released) return
        released = true
        entry.leases -= 1
        this.#freeIfUnused(entry)
      },
    }
  }

  /** The next lease is of another client than this one. */
  renew(client: EventStoreDBClient): void {
    if (this.#current?.client !== client) return
    this.#retire(this.#current)
    this.#current = undefined
  }

  /** Frees every connection, and ends what is still under way on it. */
  async close(): Promise<void> {
    this.#current = undefined
    for (const entry of this.#entries) this.#free(entry)
    await Promise.all(this.#retiring)
  }

  #make(): Entry {
    let client: EventStoreDBClient
    try {
      client = EventStoreDBClient.connectionString(this.#address.forClient(this.#made))
    } catch (cause) {
      throw invalidConnectionString(cause instanceof Error ? cause.message : 'it could not be parsed')
    }
    this.#made += 1
    const entry = { client, life: setRight(client, this.#address.credentials), leases: 0, retired: false }
    this.#entries.add(entry)
    return entry
  }

  #retire(entry: Entry): void {
    entry.retired = true
    this.#freeIfUnused(entry)
  }

  #freeIfUnused(entry: Entry): void {
    if (entry.retired && entry.leases === 0) this.#free(entry)
  }

  #free(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    entry.life.over = true
    const freed = entry.client
      .dispose()
      .catch(() => undefined)
      .then(() => {
        for (const channel of entry.life.channels) channel.close()
        entry.life.channels.clear()
        this.#retiring.delete(freed)
      })
    this.#retiring.add(freed)
  }
}
