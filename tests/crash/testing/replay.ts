import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../../adapters/embedded-log/embedded-log.ts'
import { collect } from '../../../adapters/event-log-contract/log-under-test.ts'
import { deciderOf } from '../../../commands/decider-of.ts'
import { catalog } from '../../../domain/catalog.ts'
import { type Instance, instanceDecider } from '../../../domain/instance/decide.ts'
import type { InstanceEvent } from '../../../domain/instance/events.ts'
import type { Recorded } from '../../../domain/kernel/decider.ts'
import type { DeclaredEvent, DeclaredState } from '../../../domain/kernel/declared.ts'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import { categoryOf, idOf } from '../../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import type { KindDefinition } from '../../../domain/kernel/kind.ts'
import { createRegistry } from '../../../domain/kernel/registry.ts'
import { kinds } from '../../../domain/registry.ts'

/** All events of a log whose process has ended, read from a copy: the next start finds the folder as the kill left it. */
export const readLog = async (dataFolder: string): Promise<readonly RecordedEvent[]> => {
  const copy = `${dataFolder}.log-copy`
  await cp(join(dataFolder, 'log'), copy, { recursive: true })
  const log = await openEmbeddedLog({ folder: copy, readOnly: true })
  try {
    return await collect(log.readAll())
  } finally {
    await log.close()
    await rm(copy, { recursive: true })
  }
}

/** What a row must say, as far as the deciders know it. */
export type Expected = Readonly<Record<string, unknown>>

/** One declared revision as `history` must tell it. */
export interface ExpectedRevision {
  readonly revision: string
  readonly position: string
  readonly type: string
  readonly labels: unknown
  readonly spec: unknown
}

export interface Replay {
  /** Rows of a kind by name. */
  rows(kind: KindDefinition): ReadonlyMap<string, Expected>
  /** Newest first. */
  history(kind: KindDefinition, name: string): readonly ExpectedRevision[]
}

const registry = createRegistry(kinds)

/** Folds a log, up to a position, with the deciders: a second opinion on the read models, which have folds of their own. */
export const replay = (events: readonly RecordedEvent[], upTo: bigint): Replay => {
  const declared = new Map<string, DeclaredState>()
  const instances = new Map<string, { state: Instance; uid: string }>()
  const histories = new Map<string, ExpectedRevision[]>()
  for (const stored of events) {
    if (stored.position > upTo) break
    const { stream } = stored
    const kind = registry.find(categoryOf(stream))
    if (kind === undefined || kind.kind !== categoryOf(stream)) continue
    const event = catalog.decode(stored)
    if (kind.kind === 'instance') {
      const state = instances.get(idOf(stream))?.state ?? instanceDecider.initial
      const uid = instances.get(idOf(stream))?.uid ?? String(event.data.uid)
      instances.set(idOf(stream), { uid, state: instanceDecider.evolve(state, event as Recorded<InstanceEvent>) })
      continue
    }
    const decider = deciderOf(kind)
    const before = declared.get(stream) ?? decider.initial
    const after = decider.evolve(before, event as Recorded<DeclaredEvent>)
    declared.set(stream, after)
    if (before.specRevision === after.specRevision && before.status === after.status) continue
    const { labels = {}, spec } = after
    const shown = spec === undefined ? null : kind.present(spec)
    const { revision, position, type } = event
    const line = { revision: String(revision), position: String(position), type, labels, spec: shown }
    histories.set(stream, [line, ...(histories.get(stream) ?? [])])
  }
  return {
    history: ({ kind }, name) => histories.get(`${kind}-${name}`) ?? [],
    rows(kind) {
      if (kind.kind === 'instance') return instanceRows(instances)
      const own = [...declared].filter(([stream, state]) => categoryOf(stream) === kind.kind && isThere(state))
      return new Map(own.map(([stream, state]) => [idOf(stream), declaredRow(kind, state)]))
    },
  }
}

const isThere = ({ status }: DeclaredState): boolean => status === 'present'

const declaredRow = (kind: KindDefinition, { uid, spec, labels, specRevision, usedBy }: DeclaredState): Expected => ({
  uid,
  labels,
  spec: kind.present(spec ?? {}),
  revision: String(specRevision),
  usedBy: Object.keys(usedBy).sort(),
})

const instanceRows = (all: ReadonlyMap<string, { state: Instance; uid: string }>): ReadonlyMap<string, Expected> =>
  new Map(
    [...all]
      .filter(([, { state }]) => state.phase !== 'stopped')
      .map(([name, { state, uid }]) => [
        name,
        { uid, server: state.server, phase: state.phase, attemptCount: state.failures },
      ]),
  )

/** The same members of a row that was read over HTTP. */
export const comparable = (
  kind: KindDefinition,
  row: { metadata: JsonObject; spec: JsonObject; status: JsonObject },
): Expected => {
  const { uid, labels, revision } = row.metadata
  const { phase, attemptCount, usedBy } = row.status
  return kind.kind === 'instance'
    ? { uid, server: row.spec.server, phase, attemptCount }
    : { uid, labels, spec: row.spec, revision, usedBy: usedBy ?? [] }
}
