import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { catalog } from './catalog.ts'
import type { RecordedEvent } from './kernel/event.ts'
import type { JsonObject } from './kernel/json.ts'

const folder = new URL('./samples/', import.meta.url)
const sample = (type: string, version: number): JsonObject =>
  JSON.parse(readFileSync(new URL(`${type}.v${version}.json`, folder), 'utf8'))

const stored = (type: string, version: number, stream: string): RecordedEvent => ({
  id: '00000000-0000-8000-8000-000000000000',
  type,
  data: sample(type, version),
  metadata: {
    schemaVersion: version,
    occurredAt: '2026-01-01T00:00:00.000Z',
    actor: { kind: 'User', name: 'ada' },
    commandId: '00000000-0000-8000-8000-000000000001',
    correlationId: '00000000-0000-8000-8000-000000000001',
    causationId: '00000000-0000-8000-8000-000000000001',
  },
  stream,
  revision: 0n,
  position: 0n,
})

const versions = [...catalog.types.values()].flatMap((each) =>
  Array.from({ length: each.version }, (_, i) => ({ ...each, version: i + 1, latest: each.version })),
)

describe.each(versions)('$type v$version', ({ type, version, schema, categories }) => {
  it('is read from its frozen sample as the present version', () => {
    const decoded = catalog.decode(stored(type, version, `${categories[0]}-a`))
    // Nothing of an event may get lost when it is read: what the schema would drop or change shows here.
    expect(schema.parse(decoded.data)).toEqual(decoded.data)
  })

  it('has a category and a summary for the reference', () => {
    expect(categories.length).toBeGreaterThan(0)
    expect(catalog.types.get(type)?.summary).toMatch(/\w{3}/)
  })
})

describe('the catalogue', () => {
  it('has no sample without an event type', () => {
    const known = versions.map(({ type, version }) => `${type}.v${version}.json`)
    expect(readdirSync(folder).filter((file) => !known.includes(file))).toEqual([])
  })

  it('refuses a type it does not know', () => {
    const unknown = { ...stored('ServerDeclared', 1, 'server-a'), type: 'ServerRepainted' }
    expect(() => catalog.decode(unknown)).toThrow('its type is unknown')
  })

  it('refuses a version from the future', () => {
    const event = stored('ServerDeclared', 1, 'server-a')
    expect(() => catalog.decode({ ...event, metadata: { ...event.metadata, schemaVersion: 99 } })).toThrow('v99')
  })

  it('does not let an event stand on a stream of another kind', () =>
    expect(() => catalog.check('secret-a', { type: 'ServerDeleted', data: { uid: 'u' } })).toThrow('cannot stand on'))

  it('does not let an event pass that breaks its schema', () =>
    expect(() => catalog.check('server-a', { type: 'ServerDeleted', data: { uid: 7 } })).toThrow('ServerDeleted'))
})
