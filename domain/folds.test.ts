import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { categoryOf } from './kernel/event-log.ts'
import type { ResourceRow } from './kernel/resource.ts'
import { record } from './kernel/testing/given.ts'
import { categories, eventsOn } from './kernel/testing/varied-events.ts'
import { kinds } from './registry.ts'

/** Any events on any streams, in any order: what happened, what could not have, and what other kinds have to say. */
const histories = fc.array(
  fc
    .tuple(fc.constantFrom(...categories), fc.constantFrom('a', 'b', 'constructor'))
    .chain(([category, id]) => eventsOn(category).map((event) => ({ event, stream: `${category}-${id}` }))),
  { maxLength: 25 },
)

describe.each(kinds)('the rows of $plural', (kind) => {
  it('are folded from any history, are JSON, and can be shown', () =>
    fc.assert(
      fc.property(histories, (history) => {
        const rows = new Map<string, ResourceRow | undefined>()
        for (const [i, { event, stream }] of history.entries())
          for (const recorded of record([event], stream, i)) {
            const own = categoryOf(stream) === kind.kind ? [stream.slice(kind.kind.length + 1)] : []
            for (const name of new Set([...kind.observes(recorded), ...own]))
              rows.set(name, kind.fold(rows.get(name), recorded))
          }
        for (const row of rows.values()) {
          if (row === undefined) continue
          expect(JSON.stringify([row.labels, row.spec, row.status])).toMatch(/^\[\{.*\},\{.*\},\{.*\}\]$/)
          for (const { value } of kind.columns)
            expect(typeof value(resourceOf(row), new Date('2026-01-01'))).toBe('string')
        }
      }),
      { numRuns: 60 },
    ))
})

const resourceOf = ({ kind, name, labels, spec, status, createdAt }: ResourceRow) => ({
  apiVersion: 'mcpctl/v1' as const,
  kind,
  metadata: { name, labels, createdAt },
  spec,
  status,
})
