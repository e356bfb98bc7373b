import { createHash } from 'node:crypto'
import { z } from 'zod'
import { derivedUuid } from '../../../commands/event-id.ts'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'

/** One change that a writer wants to make, once, however often it has to ask. */
export interface Operation {
  /** Idempotency-Key. */
  readonly key: string
  readonly writer: string
  readonly stream: string
}

const acknowledgement = z.object({
  outcome: z.string(),
  position: z.string().optional(),
  events: z.array(z.object({ stream: z.string(), revision: z.string(), position: z.string(), type: z.string() })),
})

/** What mcpd has said that it did, against which the log is held after each kill. */
export interface Ledger {
  /** Sent, or about to be: from now on it may have happened. */
  doubt(operation: Operation): void
  /** Answered with success: it must have happened from now on. */
  acknowledge(operation: Operation, answer: unknown): void
  /** Answered with a refusal: it must never happen. */
  refuse(operation: Operation): void
  /** Resolves when `count` more have been acknowledged. */
  more(count: number): Promise<void>
  /** Newest position that was told to anybody. */
  position(): bigint
  /** The same knowledge, for a copy of the data folder that goes its own way from here. */
  fork(): Ledger
  counts(): { readonly acknowledged: number; readonly inDoubt: number }
  /** What is wrong with a log: empty when nothing acknowledged is missing or elsewhere, and nothing happened twice. */
  problemsOf(events: readonly RecordedEvent[]): readonly string[]
}

interface Knowledge {
  readonly acknowledged: Map<string, Operation>
  readonly doubtful: Map<string, Operation>
  /** Commands on a stream by one writer, in the order in which they were acknowledged. */
  readonly order: Map<string, string[]>
  /** What was said to stand at a position. */
  readonly places: Map<string, string>
  newest: bigint
}

const nothing = (): Knowledge => ({
  acknowledged: new Map(),
  doubtful: new Map(),
  order: new Map(),
  places: new Map(),
  newest: 0n,
})

export const createLedger = (token: string, known: Knowledge = nothing()): Ledger => {
  const sha = createHash('sha256').update(token).digest('hex').slice(0, 12)
  const commandOf = ({ key }: Operation): string => derivedUuid('key', sha, key)
  const { acknowledged, doubtful, order, places } = known
  const waiting = new Set<() => void>()

  const lineOf = ({ stream, writer }: Operation): string => `${stream} by ${writer}`

  const settle = (operation: Operation): void => {
    doubtful.delete(commandOf(operation))
  }

  return {
    doubt: (operation) => void doubtful.set(commandOf(operation), operation),
    refuse: settle,
    acknowledge(operation, answer) {
      settle(operation)
      const { position, events } = acknowledgement.parse(answer)
      const command = commandOf(operation)
      acknowledged.set(command, operation)
      append(order, lineOf(operation), command)
      if (position !== undefined && BigInt(position) > known.newest) known.newest = BigInt(position)
      for (const look of [...waiting]) look()
      for (const each of events) places.set(each.position, `${each.stream}@${each.revision} ${each.type}`)
    },
    more(count) {
      const goal = acknowledged.size + count
      return new Promise((resolve) => {
        const look = (): void => {
          if (acknowledged.size < goal) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    },
    position: () => known.newest,
    fork: () => createLedger(token, structuredClone(known)),
    counts: () => ({ acknowledged: acknowledged.size, inDoubt: doubtful.size }),
    problemsOf(events) {
      const problems: string[] = []
      const ids = new Set<string>()
      const effects = new Map<string, number>()
      const found = new Map<string, string[]>()
      const at = new Map<string, string>()
      for (const { id, position, stream, revision, type, metadata } of events) {
        if (ids.has(id)) problems.push(`event ${id} stands twice`)
        ids.add(id)
        at.set(String(position), `${stream}@${revision} ${type}`)
        const operation = acknowledged.get(metadata.commandId) ?? doubtful.get(metadata.commandId)
        const declares = type.endsWith('Declared') || type.endsWith('Deleted')
        if (declares && metadata.actor.kind === 'User' && operation === undefined)
          problems.push(`${type} on ${stream} at ${position} belongs to no request that was sent, or to a refused one`)
        if (operation === undefined) continue
        effects.set(metadata.commandId, (effects.get(metadata.commandId) ?? 0) + 1)
        append(found, lineOf(operation), metadata.commandId)
      }
      for (const [position, place] of places)
        if (at.get(position) !== place)
          problems.push(`${place} was acknowledged at ${position}; there is ${at.get(position) ?? 'nothing'}`)
      for (const [command, { key, stream }] of acknowledged)
        if (effects.get(command) !== 1) problems.push(`${key} on ${stream} has ${effects.get(command) ?? 0} effects`)
      for (const [command, { key, stream }] of doubtful)
        if ((effects.get(command) ?? 0) > 1) problems.push(`${key} on ${stream} has ${effects.get(command)} effects`)
      for (const [line, commands] of order) {
        const sure = (found.get(line) ?? []).filter((command) => acknowledged.has(command))
        if (sure.join() !== commands.join()) problems.push(`${line}: the log has another order than the answers`)
      }
      return problems
    },
  }
}

const append = (lists: Map<string, string[]>, name: string, item: string): void => {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [item])
  else list.push(item)
}
