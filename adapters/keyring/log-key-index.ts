import { assertNever } from '../../domain/kernel/assert-never.ts'
import { isError } from '../../domain/kernel/errors.ts'
import type { DomainEvent, NewEvent } from '../../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../../domain/kernel/event-log.ts'
import type { EventOf } from '../../domain/kernel/event-type.ts'
import { wrongExpectedRevision } from '../../domain/kernel/log-errors.ts'
import { createTurns } from '../../domain/kernel/turns.ts'
import type { DataKeyEntry } from '../../domain/secret/keyring.ts'
import {
  SECRET_KEY_INDEX,
  secretKeyDelisted,
  secretKeyListed,
  type WrappedKey,
} from '../../domain/secret/wrapped-key.ts'

type Entry = DataKeyEntry & { readonly masterKey: string; readonly createdAt: string }
type IndexEvent = EventOf<typeof secretKeyListed> | EventOf<typeof secretKeyDelisted>

/** Lost races after which a change of the index is given up: each is one change by another mcpd. */
const MAX_ROUNDS = 50

/** Which data keys there are in a log, on one stream of their names. Holds no key. */
export interface KeyIndex {
  entries(): Promise<readonly DataKeyEntry[]>
  /**
   * Lists a new key, unless the newest one is under a master key this mcpd does not know: then its id is answered, because
   * another mcpd has changed the master key since this one read it.
   */
  list(key: WrappedKey, isKnown: (masterKey: string) => boolean): Promise<string | undefined>
  /** Notes that a listed key is under another master key now. */
  relist(key: WrappedKey): Promise<void>
  delist(uid: string): Promise<void>
}

export const createKeyIndex = (log: EventLog, eventOf: (event: DomainEvent) => NewEvent): KeyIndex => {
  const turns = createTurns()
  const entries = new Map<string, Entry>()
  /** The master key of the entry that was listed last. */
  let newest: string | undefined
  let revision: ExpectedRevision = 'none'

  const catchUp = async (): Promise<void> => {
    const from = revision === 'none' ? {} : { from: revision + 1n }
    for await (const stored of log.readStream(SECRET_KEY_INDEX, from)) {
      evolve(decode(stored))
      revision = stored.revision
    }
  }

  const evolve = ({ type, data }: IndexEvent): void => {
    switch (type) {
      case 'SecretKeyListed':
        entries.set(data.uid, data)
        newest = data.masterKey
        return
      case 'SecretKeyDelisted':
        entries.delete(data.uid)
        if (entries.size === 0) newest = undefined
        return
      default:
        assertNever(type)
    }
  }

  /** Appends what `decide` makes of the present entries; nothing when that is undefined. */
  const change = (decide: () => IndexEvent | undefined): Promise<void> =>
    turns.take('index', async () => {
      for (let round = 1; ; round++) {
        await catchUp()
        const event = decide()
        if (event === undefined) return
        try {
          await log.append(SECRET_KEY_INDEX, [eventOf(event)], revision)
          return
        } catch (error) {
          if (!isError(error, wrongExpectedRevision) || round >= MAX_ROUNDS) throw error
        }
      }
    })

  return {
    entries: () =>
      turns.take('index', async () => {
        await catchUp()
        return [...entries.values()]
      }),
    async list({ uid, masterKey, createdAt }, isKnown) {
      let stranger: string | undefined
      await change(() => {
        stranger = undefined
        if (entries.has(uid)) return undefined
        stranger = newest === undefined || isKnown(newest) ? undefined : newest
        return stranger === undefined ? { type: 'SecretKeyListed', data: { uid, masterKey, createdAt } } : undefined
      })
      return stranger
    },
    relist: ({ uid, masterKey, createdAt }) =>
      change(() => {
        const present = entries.get(uid)
        return present === undefined || present.masterKey === masterKey
          ? undefined
          : { type: 'SecretKeyListed', data: { uid, masterKey, createdAt } }
      }),
    delist: (uid) => change(() => (entries.has(uid) ? { type: 'SecretKeyDelisted', data: { uid } } : undefined)),
  }
}

const decode = (event: DomainEvent): IndexEvent =>
  event.type === secretKeyListed.type
    ? { type: secretKeyListed.type, data: secretKeyListed.schema.parse(event.data) }
    : { type: secretKeyDelisted.type, data: secretKeyDelisted.schema.parse(event.data) }
