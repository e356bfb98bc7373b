import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, onTestFinished, vi } from 'vitest'
import { catalog } from '../../../domain/catalog.ts'
import type { NewEvent, Position } from '../../../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../../../domain/kernel/event-log.ts'
import type { Logger } from '../../../domain/kernel/logger.ts'
import { createRegistry } from '../../../domain/kernel/registry.ts'
import type { ResourceRow } from '../../../domain/kernel/resource.ts'
import { kinds } from '../../../domain/registry.ts'
import { given, type Told } from '../../../projections/testing/given.ts'
import type { ReadSide } from '../../../queries/read-side.ts'
import { openEmbeddedLog } from '../../embedded-log/embedded-log.ts'
import { type DatabaseLocation, openReadSide } from '../read-side.ts'
import {
  event,
  instanceCreated,
  instanceStarted,
  instanceStopped,
  projectDeclared,
  projectDeleted,
  serverDeclared,
  silent,
} from './sample-events.ts'

/** A log with a read side on it, in temporary folders; everything ends with the test. */
export interface System {
  readonly log: EventLog
  readonly readSide: ReadSide
  /** One more program on the same log and database. */
  second(): Promise<ReadSide>
  /** Appends one event at the end of a stream and waits until its rows are there. */
  put(stream: string, ...events: NewEvent[]): Promise<Position>
  /** Closes the read side and opens it again. */
  reopen(): Promise<ReadSide>
}

export const openSystem = async (
  place: (folder: string) => DatabaseLocation | Promise<DatabaseLocation>,
  logger: Logger = silent,
): Promise<System> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-read-side-'))
  const logFolder = join(folder, 'log')
  const log = await openEmbeddedLog({ folder: logFolder })
  const database = await place(folder)
  const open = (): Promise<ReadSide> =>
    openReadSide({
      log,
      logLocation: { kind: 'embedded', folder: logFolder },
      database,
      registry: createRegistry(kinds),
      catalog,
      logger,
    })
  let readSide = await open()
  onTestFinished(async () => {
    await readSide.close()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    log,
    get readSide() {
      return readSide
    },
    async put(stream, ...events) {
      const expected: ExpectedRevision = await log.revisionOf(stream)
      const { position } = await log.append(stream, events, expected)
      if (!(await readSide.waitFor(position, { timeoutMs: 20_000 }))) throw new Error('the rows did not come')
      return position
    },
    async second() {
      const other = await open()
      onTestFinished(() => other.close())
      return other
    },
    async reopen() {
      await readSide.close()
      readSide = await open()
      return readSide
    },
  }
}

/** Rows and history of all kinds, to be compared. */
export const everything = async ({
  queries,
}: ReadSide): Promise<{ rows: readonly (readonly ResourceRow[])[]; histories: unknown }> => {
  const rows = await Promise.all(kinds.map(({ kind }) => queries.list({ kind })))
  const histories = await Promise.all(
    rows.flatMap(({ items }) => items.map(({ kind, name }) => queries.history(kind, name))),
  )
  return { rows: rows.map(({ items }) => items), histories: histories.map(({ items }) => items) }
}

const generationOf = async (readSide: ReadSide): Promise<string | undefined> => (await readSide.status())[0]?.generation

/** Asks for a rebuild and waits until another generation is live. */
export const rebuilt = async (readSide: ReadSide): Promise<void> => {
  const before = await generationOf(readSide)
  await readSide.rebuild()
  await vi.waitFor(async () => expect(await generationOf(readSide)).not.toBe(before), { timeout: 20_000, interval: 10 })
}

const randomEvent = (name: string, choice: number, text: string): readonly [stream: string, made: NewEvent] => {
  const made: readonly (readonly [string, () => NewEvent])[] = [
    [`project-${name}`, () => projectDeclared(text)],
    [`project-${name}`, projectDeleted],
    [`server-${name}`, () => serverDeclared(text)],
    [`server-${name}`, () => event('ServerDeleted', { uid: 's1' })],
    [`instance-${name}-1`, () => instanceCreated(name)],
    [`instance-${name}-1`, () => instanceStarted(name)],
    [`instance-${name}-1`, () => instanceStopped(name)],
  ]
  const [stream, make] = made[choice] ?? ['project-a', projectDeleted]
  return [stream, make()]
}

/** What is alike wherever a history is folded: positions and times are the log's. */
const namesOf = (rows: readonly ResourceRow[]): readonly string[] =>
  rows
    .map(({ kind, name, revision, spec, status }) => JSON.stringify([kind, name, String(revision), spec, status]))
    .sort()

type Place = (folder: string) => DatabaseLocation | Promise<DatabaseLocation>

/** What a read side must do on every database; `lasting` is where rows outlive the program. */
export const readSideSuite = (place: Place, lasting: Place = place): void => {
  const open = (): Promise<System> => openSystem(place)

  it('answers with rows of what was just written, as of that position', async () => {
    const { put, readSide } = await open()
    const position = await put('project-demo', projectDeclared('one', { team: 'a' }))
    const { row, asOf } = await readSide.queries.get('project', 'demo')
    expect(asOf).toBe(position)
    expect(row).toMatchObject({
      name: 'demo',
      revision: 0n,
      position,
      labels: { team: 'a' },
      spec: { description: 'one' },
    })
  })

  it('answers an empty list as of the beginning on an empty log', async () => {
    const { readSide } = await open()
    await vi.waitFor(
      async () => expect(await readSide.queries.list({ kind: 'server' })).toEqual({ items: [], asOf: -1n }),
      {
        timeout: 20_000,
      },
    )
  })

  it('keeps every declared revision, a deletion too, newest first', async () => {
    const { put, readSide } = await open()
    await put('project-demo', projectDeclared('one'), projectDeclared('two'))
    await put('project-demo', projectDeleted())
    expect((await readSide.queries.get('project', 'demo')).row).toBeUndefined()
    const { items } = await readSide.queries.history('project', 'demo')
    expect(items.map(({ revision, spec }) => [revision, spec?.description])).toEqual([
      [2n, undefined],
      [1n, 'two'],
      [0n, 'one'],
    ])
  })

  it('folds an event into the rows of all kinds that observe it', async () => {
    const { put, readSide } = await open()
    await put('server-s', serverDeclared())
    await put('instance-s-1', instanceCreated('s'), instanceStarted('s'))
    expect((await readSide.queries.get('server', 's')).row?.status).toMatchObject({ readyReplicas: 1 })
    const { items } = await readSide.queries.list({ kind: 'instance', fieldFilter: { server: 's' } })
    expect(items.map(({ name }) => name)).toEqual(['s-1'])
    expect(await readSide.queries.countByStatus('instance', 'phase')).toEqual(new Map([['running', 1]]))
    await put('instance-s-1', instanceStopped('s'))
    expect((await readSide.queries.list({ kind: 'instance' })).items).toEqual([])
  })

  it('pages through a list by cursor and by label', async () => {
    const { put, readSide } = await open()
    for (let n = 0; n < 5; n += 1) await put(`project-p${n}`, projectDeclared('x', { odd: String(n % 2) }))
    const first = await readSide.queries.list({ kind: 'project', limit: 2, labelSelector: 'odd=0' })
    expect(first.items.map(({ name }) => name)).toEqual(['p0', 'p2'])
    const second = await readSide.queries.list({
      kind: 'project',
      limit: 2,
      labelSelector: 'odd=0',
      cursor: first.nextCursor ?? '',
    })
    expect(second.items.map(({ name }) => name)).toEqual(['p4'])
    expect(second.nextCursor).toBeUndefined()
    await expect(readSide.queries.list({ kind: 'server', cursor: first.nextCursor ?? '' })).rejects.toMatchObject({
      code: 'invalid-cursor',
    })
  })

  it('keeps text that Postgres refuses in jsonb: NUL and half a surrogate pair', async () => {
    const { put, readSide } = await open()
    await put('project-odd', projectDeclared('a\0b\ud800'))
    const { items } = await readSide.queries.list({ kind: 'project' })
    expect(items.map(({ spec }) => spec.description)).toEqual(['a\0b\ud800'])
  })

  it('stops at an event from the future, keeps what came before, and says where', async () => {
    const { put, readSide, log } = await open()
    await put('project-a', projectDeclared('one'))
    await log.append('project-b', [projectDeclared('two'), event('ProjectExploded', {})], 'none')
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('stopped'), { timeout: 20_000 })
    const [status] = await readSide.status()
    expect(status?.error).toMatchObject({ code: 'unknown-event', event: { stream: 'project-b', revision: '1' } })
    expect((await readSide.queries.get('project', 'b')).row?.spec.description).toBe('two')
    const { position } = await log.append('project-c', [projectDeclared('three')], 'none')
    expect(await readSide.waitFor(position, { timeoutMs: 50 })).toBe(false)
  })

  it('stops at an event whose rows the database refuses, and commits what came before it', async () => {
    const { put, readSide, log } = await open()
    await put('project-a', projectDeclared('one'))
    await log.append('project-b', [projectDeclared('two')], 'none')
    const refused = { uid: 'u1\0', spec: {}, labels: {} }
    await log.append('project-c', [event('ProjectDeclared', refused)], 'none')
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('stopped'), { timeout: 20_000 })
    const error = (await readSide.status())[0]?.error
    expect(error?.event).toMatchObject({ stream: 'project-c', revision: '0' })
    expect(error?.message).toMatch(/^the database refuses the row it makes \(SQLSTATE \w{5}\)$/)
    expect((await readSide.queries.get('project', 'b')).row?.spec.description).toBe('two')
  })

  it('makes of any history the rows that a pure fold makes, live and rebuilt', async () => {
    const { log, readSide } = await open()
    const step = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 6 }), fc.string({ maxLength: 8 }))
    const told: Told[] = []
    const history = fc.array(step, { minLength: 1, maxLength: 40 })
    for (const steps of fc.sample(history, 6)) {
      let last: Position = -1n
      for (const [name, choice, text] of steps) {
        const [stream, made] = randomEvent(name, choice, text)
        told.push([stream, made.type, made.data])
        last = (await log.append(stream, [made], await log.revisionOf(stream))).position
      }
      expect(await readSide.waitFor(last, { timeoutMs: 20_000 })).toBe(true)
      const live = await everything(readSide)
      // Lists are read from the database; single rows may have come with a commit.
      for (const row of live.rows.flat())
        expect(await readSide.queries.get(row.kind, row.name)).toEqual({ row, asOf: last })
      expect(namesOf(live.rows.flat())).toEqual(namesOf(given(told).resources as ResourceRow[]))
      await rebuilt(readSide)
      expect(await everything(readSide)).toEqual(live)
    }
  })

  it('rebuilds to the same rows while events arrive, and never goes back', async () => {
    const { put, readSide, log } = await open()
    await put('server-s', serverDeclared())
    for (let n = 0; n < 20; n += 1) await put(`project-p${n}`, projectDeclared('x'))
    let more = true
    const writing = (async () => {
      for (let n = 0; more; n += 1) {
        const { position } = await log.append(`project-q${n}`, [projectDeclared('x')], 'none')
        expect(await readSide.waitFor(position)).toBe(true)
        expect((await readSide.queries.get('project', `q${n}`)).asOf).toBeGreaterThanOrEqual(position)
      }
    })()
    await rebuilt(readSide)
    more = false
    await writing
    const before = await everything(readSide)
    await rebuilt(readSide)
    expect(await everything(readSide)).toEqual(before)
  })

  it('goes on where it was after a restart', async () => {
    const system = await openSystem(lasting)
    await system.put('project-a', projectDeclared('one'))
    const before = await everything(system.readSide)
    const generation = await generationOf(system.readSide)
    const readSide = await system.reopen()
    expect(await everything(readSide)).toEqual(before)
    expect(await generationOf(readSide)).toBe(generation)
    await system.put('project-a', projectDeclared('two'))
    expect((await readSide.queries.get('project', 'a')).row?.spec.description).toBe('two')
  })

  it('tells listeners which resources a commit changed', async () => {
    const { put, readSide } = await open()
    await put('project-a', projectDeclared('one'))
    const seen: unknown[] = []
    onTestFinished(readSide.changes((kind, names, position) => seen.push([kind, names, position])))
    const position = await put('project-b', projectDeclared('one'))
    expect(seen).toEqual([['project', ['b'], position]])
    expect(await readSide.queries.lastChange('project')).toBe(position)
  })
}
