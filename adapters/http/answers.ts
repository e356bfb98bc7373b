import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Mutation } from '../../commands/resources.ts'
import type { Recorded } from '../../domain/kernel/decider.ts'
import { isError } from '../../domain/kernel/errors.ts'
import { categoryOf, type EventLog } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { type Resource, type ResourceRow, toResource } from '../../domain/kernel/resource.ts'
import { readModelUnavailable } from '../../queries/errors.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { invalidRequest, readModelBehind } from './problem.ts'

/** How long an answer waits for the read model before it says so. */
export const READ_YOUR_WRITES_MS = 5_000
/** How long a reader waits before the log is asked whether the position is there at all: reads go on while the log is away. */
const SOON_MS = 200

/** An event as the API shows it: what a kind keeps from people (a secret's ciphertext) is gone. */
export const showEvent = (registry: Registry, event: Recorded): JsonObject => {
  const { stream, revision, position, type, at, actor, data } = event
  const kind = registry.find(categoryOf(stream))
  const spec = data.spec
  const declares = kind?.eventPrefix !== undefined && type === `${kind.eventPrefix}Declared`
  const shown = declares && kind !== undefined ? { ...data, spec: kind.present((spec ?? {}) as JsonObject) } : data
  return { stream, revision: String(revision), position: String(position), type, at, actor: { ...actor }, data: shown }
}

/** Waits until the read model is at `position`. @throws ReadModelBehind; InvalidRequest where the log itself ends before it */
export const waitForRead = async (
  { readSide, log }: { readonly readSide: ReadSide; readonly log: Pick<EventLog, 'head'> },
  position: string | undefined,
): Promise<void> => {
  if (position === undefined) return
  const wanted = BigInt(position)
  if (await readSide.waitFor(wanted, { timeoutMs: SOON_MS })) return
  const head = await log.head()
  if (head !== undefined && wanted <= head) {
    if (await readSide.waitFor(wanted, { timeoutMs: READ_YOUR_WRITES_MS - SOON_MS })) return
    throw readModelBehind(wanted)
  }
  const message = `lies beyond the end of the log, which is at ${head ?? 'none'}`
  throw invalidRequest(`minPosition ${message}`, [{ path: 'minPosition', message }])
}

/** The resource after planned events that are not in any read model: its row with those events folded onto it. */
const foldPlanned = (
  kind: KindDefinition,
  name: string,
  row: ResourceRow | undefined,
  events: readonly Recorded[],
): ResourceRow | undefined =>
  events
    .filter(({ stream }) => stream === `${kind.kind}-${name}`)
    .reduce<ResourceRow | undefined>((folded, event) => kind.fold(folded, event), row)

/**
 * Answers a mutation: waits until the read model shows it, so that the caller reads its own write; 202 with the position when that takes
 * too long or the caller does not want to wait.
 */
export const answerMutation = async (
  deps: { readonly readSide: ReadSide; readonly registry: Registry },
  request: FastifyRequest,
  reply: FastifyReply,
  input: {
    readonly kind: KindDefinition
    readonly name: string
    readonly mutation: Mutation
    readonly dryRun: boolean
  },
): Promise<JsonObject> => {
  const { kind, name, mutation, dryRun } = input
  const { outcome, position } = mutation
  const events = mutation.events.map((event) => showEvent(deps.registry, event))
  if (position !== undefined) reply.header('mcpctl-position', String(position))
  const answer = { outcome, ...(position === undefined ? {} : { position: String(position) }), events }

  const respondAsync = /(^|,)\s*respond-async\s*(,|$)/.test(String(request.headers.prefer ?? ''))
  if (respondAsync) reply.header('preference-applied', 'respond-async')
  const visible =
    position === undefined ||
    (!respondAsync && (await deps.readSide.waitFor(position, { timeoutMs: READ_YOUR_WRITES_MS })))
  if (!visible) {
    reply.code(202)
    return answer
  }
  if (outcome === 'deleted') return answer
  const row = await rowAfter(deps.readSide, kind.kind, name, position !== undefined)
  if (row === 'unavailable') {
    reply.code(202)
    return answer
  }
  if (outcome === 'created' && !dryRun) reply.code(201).header('location', `/api/v1/${kind.plural}/${name}`)
  const shown = dryRun ? foldPlanned(kind, name, row, mutation.events) : row
  if (shown === undefined) return answer
  reply.header('etag', etagOf(shown))
  return { ...answer, resource: show(shown) }
}

/** The row to show. What has been written stays written, whatever becomes of the database between the wait and the look. */
const rowAfter = async (
  readSide: ReadSide,
  kind: string,
  name: string,
  isWritten: boolean,
): Promise<ResourceRow | undefined | 'unavailable'> => {
  try {
    return (await readSide.queries.get(kind, name)).row
  } catch (error) {
    if (isWritten && isError(error, readModelUnavailable)) return 'unavailable'
    throw error
  }
}

/** `"12"`: the revision of the spec's last change. */
export const etagOf = (row: ResourceRow): string => `"${row.revision}"`

/** A resource as JSON. */
export const show = (row: ResourceRow): JsonObject & Resource => toResource(row) as JsonObject & Resource
