import { Duplex } from 'node:stream'
import type { EventStoreDBClient } from '@eventstore/db-client'
import type { Credentials } from './connection-string.ts'

interface Closable {
  close(): void
}

/** What becomes of a client: which channels it opened, and whether it may still do anything. */
export interface Life {
  readonly channels: Set<Closable>
  over: boolean
}

const isClosable = (value: unknown): value is Closable =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'

type Method = (...args: unknown[]) => unknown

const isMethod = (value: unknown): value is Method => typeof value === 'function'

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Replaces a method of an object by one that is given the original, bound to its object. */
const wrap = (object: object, name: string, wrapper: (original: Method) => Method): void => {
  const found: unknown = Reflect.get(object, name)
  if (typeof found !== 'function') throw new Error(`this version of @eventstore/db-client has no ${name}`)
  Reflect.set(
    object,
    name,
    wrapper((...args) => Reflect.apply(found, object, args)),
  )
}

/** An answer nobody waits for any more. The client looks it up without asking whether it is there. */
const ignoringStrays =
  (listener: Method): Method =>
  (...args) => {
    try {
      return listener(...args)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return undefined
    }
  }

const guardBatches = (grpcClient: object): object => {
  const guarded: object = Object.create(grpcClient)
  wrap(guarded, 'batchAppend', () => (...args) => {
    const open: unknown = Reflect.get(grpcClient, 'batchAppend')
    const stream: unknown = typeof open === 'function' ? Reflect.apply(open, grpcClient, args) : undefined
    if (stream instanceof Duplex) {
      wrap(stream, 'on', (on) => (event, listener) => {
        on(event, event === 'data' && isMethod(listener) ? ignoringStrays(listener) : listener)
        return stream
      })
    }
    return stream
  })
  return guarded
}

/**
 * Sets right what the client keeps to itself:
 * - It never closes its channels: they are collected here.
 * - It looks after failed connections in promises that nobody holds, so that a failed discovery beside another failure
 *   would end the process as an unhandled rejection. The call in question has been rejected with the same error anyway.
 * - It would print the password with its connection string: user and password are put into the calls instead.
 * - An append that waits for a connection would be sent even after its client was given up: a client that is over
 *   opens nothing any more.
 * - All clients of a process keep the appends they wait for in one map, which any broken stream of any of them empties.
 *   The others' answers would then end the process. Those appends have been rejected, and are repeated.
 */
export const setRight = (client: EventStoreDBClient, credentials: Credentials | undefined): Life => {
  const life: Life = { channels: new Set(), over: false }
  const assertAlive = (): void => {
    if (life.over) throw new Error('the channel of this client is closed')
  }
  wrap(client, 'createChannel', (createChannel) => async () => {
    assertAlive()
    const channel = await createChannel()
    if (!isClosable(channel)) return channel
    if (life.over) channel.close()
    else life.channels.add(channel)
    return channel
  })
  wrap(client, 'handleError', (handleError) => async (...args) => {
    try {
      await handleError(...args)
    } catch {
      // See above.
    }
  })
  wrap(
    client,
    'callArguments',
    (callArguments) => (options, callOptions) =>
      callArguments({ ...(credentials && { credentials }), ...(isObject(options) ? options : {}) }, callOptions),
  )
  wrap(client, 'GRPCStreamCreator', (create) => (service, name, creator, cache) => {
    const createGuarded = (grpcClient: unknown): unknown => {
      assertAlive()
      return isMethod(creator) && isObject(grpcClient) && creator(guardBatches(grpcClient))
    }
    return create(service, name, createGuarded, cache)
  })
  return life
}
