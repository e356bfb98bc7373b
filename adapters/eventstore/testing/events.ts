import { randomUUID } from 'node:crypto'
import type { NewEvent, RecordedEvent } from '../../../domain/kernel/event.ts'
import type { JsonObject } from '../../../domain/kernel/json.ts'

export const newStream = (): string => `trap-${randomUUID()}`

export const newEvent = (data: JsonObject = {}): NewEvent => {
  const commandId = randomUUID()
  return {
    id: randomUUID(),
    type: 'ThingHappened',
    data,
    metadata: {
      schemaVersion: 1,
      occurredAt: '2026-03-01T12:00:00.000Z',
      actor: { kind: 'System', name: 'test' },
      commandId,
      correlationId: commandId,
      causationId: commandId,
    },
  }
}

/** `count` events with `data.n` = `from`, `from + 1`, … */
export const newEvents = (count: number, from = 0): NewEvent[] =>
  Array.from({ length: count }, (_, index) => newEvent({ n: from + index }))

export const all = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

export const numbersOf = (events: readonly RecordedEvent[]): unknown[] => events.map(({ data }) => data.n)
