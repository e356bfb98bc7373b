import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { kinds } from '../../../domain/registry.ts'
import type { Api } from './api.ts'
import { comparable, type ExpectedRevision, replay } from './replay.ts'

const object = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null)
const listAnswer = z.object({
  asOf: z.string(),
  nextCursor: z.undefined().optional(),
  items: z.array(z.object({ metadata: object, spec: object, status: object })),
})
const historyAnswer = z.object({
  asOf: z.string(),
  nextCursor: z.undefined().optional(),
  items: z.array(z.looseObject({ revision: z.string(), position: z.string(), type: z.string() })),
})

/** What the read models said, each with the position it was right for. */
export interface Picture {
  readonly lists: ReadonlyMap<string, z.output<typeof listAnswer>>
  /** By `plural/name`. */
  readonly histories: ReadonlyMap<string, z.output<typeof historyAnswer>>
}

const PAGE = 1000

/** Reads all rows of all kinds, no older than `position`, and the histories of these resources (`plural/name`). */
export const takePicture = async (api: Api, position: bigint, resources: readonly string[]): Promise<Picture> => {
  const lists = new Map<string, z.output<typeof listAnswer>>()
  for (const { plural } of kinds)
    lists.set(plural, listAnswer.parse(await api.read(`${plural}?limit=${PAGE}&minPosition=${position}`)))
  const histories = new Map<string, z.output<typeof historyAnswer>>()
  for (const resource of resources) {
    const answer = await api.send('GET', `${resource}/history?limit=${PAGE}`)
    if (answer?.status === 404) continue // its only declaration had no answer, and never came to be
    histories.set(resource, historyAnswer.parse(answer?.body))
  }
  return { lists, histories }
}

/** Where rows differ from a replay of the log by the deciders: empty when they do not. */
export const differences = (picture: Picture, events: readonly RecordedEvent[]): readonly string[] => {
  const problems: string[] = []
  const compare = (what: string, shown: unknown, expected: unknown): void => {
    if (isDeepStrictEqual(shown, expected)) return
    problems.push(`${what}: the row is ${JSON.stringify(shown)}, the log says ${JSON.stringify(expected)}`)
  }
  const replays = new Map<string, ReturnType<typeof replay>>()
  const replayed = (asOf: string): ReturnType<typeof replay> => {
    const known = replays.get(asOf) ?? replay(events, BigInt(asOf))
    replays.set(asOf, known)
    return known
  }
  for (const kind of kinds) {
    const list = picture.lists.get(kind.plural)
    if (list === undefined) throw new Error(`the picture has no ${kind.plural}`)
    const expected = replayed(list.asOf).rows(kind)
    const shown = new Map(list.items.map((row) => [String(row.metadata.name), comparable(kind, row)]))
    for (const name of new Set([...expected.keys(), ...shown.keys()]))
      compare(`${kind.kind}/${name} as of ${list.asOf}`, shown.get(name), expected.get(name))
  }
  for (const [resource, { asOf, items }] of picture.histories) {
    const [plural, name = ''] = resource.split('/')
    const kind = kinds.find((each) => each.plural === plural)
    if (kind === undefined) throw new Error(`there is no kind ${plural}`)
    const shown: ExpectedRevision[] = items.map(({ revision, position, type, labels, spec }) => ({
      revision,
      position,
      type,
      labels: labels ?? {},
      spec: spec ?? null,
    }))
    compare(`history of ${resource} as of ${asOf}`, shown, replayed(asOf).history(kind, name))
  }
  return problems
}
