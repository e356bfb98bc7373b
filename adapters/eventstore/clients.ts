import { EventStoreDBClient } from '@eventstore/db-client'
import { type Address, type Credentials, invalidConnectionString, parseConnectionString } from './connection-string.ts'

/** Use of a client for one operation. */
export interface Lease {
  readonly client: EventStoreDBClient
  release(): void
}

interface Closable {
  close(): void
}

interface Entry {
  readonly client: EventStoreDBClient
  readonly channels: Set<Closable>
  leases: number
  retired: boolean
}

/** Never sent: over an insecure connection the client leaves credentials out. See `Clients.access`. */
const PLACEHOLDER: Credentials = { username: 'nobody', password: 'none' }

const isClosable = (value: unknown): value is Closable =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'

const method = (client: EventStoreDBClient, name: string): ((...args: unknown[]) => Promise<unknown>) => {
  const found: unknown = Reflect.get(client, name)
  if (typeof found !== 'function') throw new Error(`this version of @eventstore/db-client has no ${name}`)
  return async (...args) => Reflect.apply(found, client, args)
}

/**
 * Two things the client keeps to itself. It never closes its channels: they are collected here. And it looks after
 * failed connections in promises that nobody holds, so that a failed discovery beside another failure would end the
 * process as an unhandled rejection: the call in question has been rejected with the same error anyway.
 */
const watch = (client: EventStoreDBClient): Set<Closable> => {
  const channels = new Set<Closable>()
  const createChannel = method(client, 'createChannel')
  const handleError = method(client, 'handleError')
  Reflect.set(client, 'createChannel', async () => {
    const channel = await createChannel()
    if (isClosable(channel)) channels.add(channel)
    return channel
  })
  Reflect.set(client, 'handleError', (...args: unknown[]) => handleError(...args).catch(() => undefined))
  return channels
}

/**
 * The client in use, replaced by a fresh one whenever it is spoiled: after failed cluster discovery one client goes on
 * failing for ever. What is under way on the old one ends there; then it is freed.
 */
export class Clients {
  /**
   * To be passed with each call: the client itself knows no user. Appends without credentials of their own go through one stream that all clients of the
   * process share, that has no deadline, and whose failures and answers get mixed up; appends with them are calls of
   * their own with a deadline. None only where none are known and a made-up user would be refused: TLS without a user.
   */
  readonly access: { readonly credentials?: Credentials }
  readonly #address: Address
  readonly #retiring = new Set<Promise<void>>()
  #made = 0
  #current: Entry | undefined

  /** @throws invalidConnectionString */
  constructor(connectionString: string) {
    this.#address = parseConnectionString(connectionString)
    const { credentials, secure } = this.#address
    if (credentials !== undefined) this.access = { credentials }
    else this.access = secure ? {} : { credentials: PLACEHOLDER }
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

  /** Frees every connection, once nothing is under way any more. */
  async close(): Promise<void> {
    if (this.#current !== undefined) this.#retire(this.#current)
    this.#current = undefined
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
    return { client, channels: watch(client), leases: 0, retired: false }
  }

  #retire(entry: Entry): void {
    entry.retired = true
    this.#freeIfUnused(entry)
  }

  #freeIfUnused(entry: Entry): void {
    if (!entry.retired || entry.leases > 0) return
    const freed = entry.client
      .dispose()
      .catch(() => undefined)
      .then(() => {
        for (const channel of entry.channels) channel.close()
        entry.channels.clear()
        this.#retiring.delete(freed)
      })
    this.#retiring.add(freed)
  }
}
