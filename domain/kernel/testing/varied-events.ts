import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { catalog } from '../../catalog.ts'
import type { DomainEvent } from '../event.ts'
import type { EventType } from '../event-type.ts'
import type { JsonObject, JsonValue } from '../json.ts'

/** Names of JavaScript's own members are as good as any other text. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', 'server/a', 'project/demo', '2026-01-01T00:00:00.000Z'),
)

/** Values of the same shape as `value`, with members and elements more or fewer. */
const varied = (value: JsonValue | undefined): fc.Arbitrary<unknown> => {
  if (typeof value === 'string') return fc.oneof(fc.constant(value), text)
  if (typeof value === 'number') return fc.oneof(fc.constant(value), fc.nat())
  if (typeof value === 'boolean') return fc.boolean()
  if (Array.isArray(value))
    return value.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...value.map(varied)), { maxLength: 3 })
  if (typeof value !== 'object' || value === null) return fc.constant(value)
  const members = Object.entries(value).map(([key, member]) => [key, varied(member)] as const)
  return fc.record(Object.fromEntries(members), { requiredKeys: [] })
}

/** Events of a type as the catalogue allows them: its frozen sample with other payloads. */
const eventsOf = ({ type, version, schema }: EventType): fc.Arbitrary<DomainEvent> => {
  const file = new URL(`../../samples/${type}.v${version}.json`, import.meta.url)
  const sample: JsonObject = JSON.parse(readFileSync(file, 'utf8'))
  return fc.oneof(fc.constant(sample), varied(sample)).map((data) => {
    const checked = schema.safeParse(data)
    return { type, data: checked.success ? (checked.data as JsonObject) : sample }
  })
}

/** Any event that may stand on a stream of this category. */
export const eventsOn = (category: string): fc.Arbitrary<DomainEvent> =>
  fc.oneof(...[...catalog.types.values()].filter((each) => each.categories.includes(category)).map(eventsOf))

/** Every category that a stream may have. */
export const categories: readonly string[] = [
  ...new Set([...catalog.types.values()].flatMap((each) => each.categories)),
]
