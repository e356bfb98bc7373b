import { age } from '../../domain/kernel/columns.ts'
import type { JsonObject, JsonValue } from '../../domain/kernel/json.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import type { Deps } from '../deps.ts'
import { isCode } from '../errors.ts'
import { outline } from '../output/outline.ts'
import { headersOf, rowOf } from '../output/resources.ts'

import { findKind } from '../targets.ts'
import { columnsOf, indented } from './parts.ts'
import { settings } from './settings.ts'
import { bySource } from './sources.ts'

/** What `describe` shows between a resource's head and its events. */
export interface DescribeOptions {
  readonly showValues: boolean
}

/** A server: its spec with variables and headers by source, what follows from it, and its copies. */
export const serverParts = async (
  deps: Deps,
  kind: KindDefinition,
  server: Resource,
  instances: readonly Resource[],
  { showValues }: DescribeOptions,
): Promise<readonly string[]> => {
  const { env: _env, headers: _headers, ...spec } = server.spec
  const instance = findKind(await deps.registry(), 'instance')
  const { restartedAt } = server.status ?? {}
  return [
    ...outline({ Spec: spec }),
    ...given(server.spec, showValues),
    ...outline({ Status: { ...columnsOf(kind, server, deps.now(), ['READY', 'STATUS', 'HEALTH']), restartedAt } }),
    ...conditions(kind, server),
    ...indented('Instances', [
      headersOf(instance, false),
      ...instances.map((each) => rowOf(instance, each, false, deps.now())),
    ]),
    ...instances.flatMap(({ metadata, status }) => {
      const reason = status?.error ?? status?.healthReason
      return typeof reason === 'string' ? outline({ [`Why ${metadata.name}`]: reason }) : []
    }),
  ]
}

/** An instance: how it does and why, how it runs, and what it was given. */
export const instanceParts = async (
  deps: Deps,
  kind: KindDefinition,
  instance: Resource,
  { showValues }: DescribeOptions,
): Promise<readonly string[]> => {
  const now = deps.now()
  const {
    phase,
    details,
    lastEnd,
    attemptCount,
    lastAttemptAt,
    nextRetryAt,
    startedAt,
    error,
    healthReason,
    healthSince,
  } = instance.status ?? {}
  const server = await serverOf(deps, instance)
  return [
    ...outline({ Server: instance.spec.server }),
    ...outline({
      Status: {
        ...columnsOf(kind, instance, now, ['READY', 'STATUS', 'RESTARTS', 'HEALTH']),
        ...told({ healthReason, healthSince, startedAt, attemptCount, lastAttemptAt, error }),
        ...(typeof nextRetryAt === 'string' ? { nextRetryAt: `${nextRetryAt} (${untilText(nextRetryAt, now)})` } : {}),
      },
    }),
    ...(lastEnd === undefined ? [] : outline({ 'Last end': lastEnd })),
    ...outline({ [phase === 'running' ? 'Runtime' : 'Ran as']: details ?? {} }),
    ...(server === undefined ? [] : given(server.spec, showValues)),
    ...conditions(kind, instance),
  ]
}

/** What a copy of a server with this spec is given, and what holds for it. */
const given = (spec: JsonObject, showValues: boolean): readonly string[] => [
  ...outline({ Environment: bySource(spec.env, showValues) }),
  ...(spec.headers === undefined ? [] : outline({ Headers: bySource(spec.headers, showValues) })),
  ...outline(settings(spec)),
]

const untilText = (at: string, now: Date): string =>
  Date.parse(at) <= now.getTime() ? 'due' : `in ${age(now.toISOString(), new Date(at))}`

const told = (members: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null)) as JsonObject

/** Of an instance that outlives its server for a moment, or whose server may not be seen, there is none. */
const serverOf = async (deps: Deps, { spec }: Resource): Promise<Resource | undefined> => {
  try {
    return await deps.api.find(findKind(await deps.registry(), 'server'), String(spec.server))
  } catch (error) {
    if (isCode(error, 'forbidden')) return undefined
    throw error
  }
}

const conditions = (kind: KindDefinition, resource: Resource): readonly string[] =>
  indented('Conditions', [
    ['TYPE', 'STATUS', 'REASON'],
    ...Object.entries(kind.conditions).map(([name, condition]) => {
      const reason = condition(resource)
      return [
        `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
        reason === undefined ? 'True' : 'False',
        reason ?? '-',
      ]
    }),
  ])
