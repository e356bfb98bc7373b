import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import type { ApiEvent } from './api/answers.ts'
import type { Deps } from './deps.ts'
import { isCode } from './errors.ts'
import { assertNoProject, offeredTargets, projectOption } from './offered/kinds.ts'
import { eventLines } from './output/events.ts'
import { outline } from './output/outline.ts'
import { findKind, getTarget, parseTargets, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

const MASK = '********'
/** Events shown if nobody says how many: how what runs does is what happened to it. */
const EVENTS = 10
const EVENTS_OF_WHAT_RUNS = 50

export default defineVerb({
  arguments: {
    targets: { describe: 'KIND NAME… or KIND/NAME…', required: true, many: true, complete: 'target' },
  },
  options: {
    'show-values': { type: 'boolean', describe: "A secret's values, and those that a server's spec holds" },
    events: {
      type: 'number',
      describe:
        'How many of the last events to show: 50 of an instance, or of a server with its instances; 10 of others',
    },
    selector: { type: 'string', short: 'l', describe: 'Resources with these labels' },
    project: projectOption,
  },
  examples: [
    ['$0 describe server github', 'its spec, its copies, and the last events of all of them'],
    ['$0 describe instance/github-7xk2p', 'why it does not start, and when it is tried again'],
    ['$0 describe tool/everything__get-sum -p demo', 'what it takes, as a table'],
    ['$0 describe project demo', 'how its servers do, and which tools have another name than their own'],
    ['$0 describe secret demo --show-values', 'the values in clear, on your screen'],
  ],
  async run(deps, { targets, 'show-values': showValues, events, selector, project }) {
    const offered = offeredTargets(await deps.registry(), targets)
    if (offered !== undefined) {
      const { describeOffered } = await import('./offered/describe.ts')
      return await describeOffered(deps, offered, { project, selector })
    }
    const wanted = parseTargets(await deps.registry(), targets)
    assertNoProject(project)
    const found: { target: Target; resource: Resource }[] = []
    if (wanted.type === 'named')
      for (const target of wanted.named) found.push({ target, resource: await getTarget(deps.api, target) })
    else
      for (const kind of wanted.kinds)
        for (const resource of (await deps.api.list(kind, { selector })).items)
          found.push({ target: { kind, name: resource.metadata.name }, resource })
    if (found.length === 0) deps.out.note('No resources found')
    for (const [i, { target, resource }] of found.entries()) {
      if (i > 0) deps.out.line()
      deps.out.data(await description(deps, target, resource, { showValues, events }))
    }
    return undefined
  },
})

const description = async (
  deps: Deps,
  { kind, name }: Target,
  resource: Resource,
  options: { showValues: boolean; events: number | undefined },
): Promise<string> => {
  const runs = kind.kind === 'server' || kind.kind === 'instance'
  const instances = kind.kind === 'server' ? await instancesOf(deps, name) : []
  const count = options.events ?? (runs ? EVENTS_OF_WHAT_RUNS : EVENTS)
  const events = await eventsOf(deps, [{ kind, name }, ...instances], count)
  return [
    ...head(kind, resource),
    ...(await ownParts(deps, kind, resource, instances, options)),
    ...eventsPart(events, deps.now()),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

interface Instance extends Target {
  readonly resource: Resource
}

const instancesOf = async (deps: Deps, server: string): Promise<readonly Instance[]> => {
  const kind = findKind(await deps.registry(), 'instance')
  const { items } = await deps.api.list(kind, { server })
  return items.map((resource) => ({ kind, name: resource.metadata.name, resource }))
}

/** What is special about a kind; of the others the spec and the status. */
const ownParts = async (
  deps: Deps,
  kind: KindDefinition,
  resource: Resource,
  instances: readonly Instance[],
  options: { showValues: boolean },
): Promise<readonly string[]> => {
  const status = resource.status ?? {}
  if (kind.kind === 'secret')
    return outline({ Spec: await secretSpec(deps, resource, options.showValues), Status: status })
  if (kind.kind === 'project') return await (await import('./describe/projects.ts')).projectParts(deps, resource)
  if (kind.kind !== 'server' && kind.kind !== 'instance') return outline({ Spec: resource.spec, Status: status })
  const { instanceParts, serverParts } = await import('./describe/servers-and-instances.ts')
  if (kind.kind === 'instance') return await instanceParts(deps, kind, resource, options)
  const copies = instances.map((each) => each.resource)
  return await serverParts(deps, kind, resource, copies, options)
}

/** The last events of all of them, newest first. What was never declared, such as a broken template file, has none. */
const eventsOf = async ({ api }: Deps, targets: readonly Target[], limit: number): Promise<readonly ApiEvent[]> => {
  if (limit <= 0) return []
  const found = await Promise.all(
    targets.map(({ kind, name }) =>
      api.events(kind, name, limit).catch((error: unknown) => {
        if (isCode(error, 'not-found')) return []
        throw error
      }),
    ),
  )
  const newestFirst = (a: ApiEvent, b: ApiEvent): number => (BigInt(a.position) < BigInt(b.position) ? 1 : -1)
  return found.length === 1 ? (found[0] ?? []) : found.flat().sort(newestFirst).slice(0, limit)
}

const head = (kind: KindDefinition, { metadata }: Resource): readonly string[] =>
  outline({
    Name: metadata.name,
    Kind: kind.kind,
    Labels: metadata.labels ?? {},
    Revision: metadata.revision,
    Uid: metadata.uid,
    Created: written(metadata.createdAt, metadata.createdBy),
    Updated: written(metadata.updatedAt, metadata.updatedBy),
  })

const written = (at: string | undefined, by: string | undefined): string | undefined =>
  at === undefined ? undefined : `${at}${by === undefined ? '' : ` by ${by}`}`

/** A secret's values are not in its spec; they are asked for only when they are to be shown. */
const secretSpec = async (deps: Deps, { metadata, spec }: Resource, show: boolean): Promise<unknown> => {
  const values = show ? await deps.api.secretValues(metadata.name) : {}
  const { data } = spec
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : []
  return { ...spec, data: Object.fromEntries(keys.map((key) => [key, show ? values[key] : MASK])) }
}

const eventsPart = (events: readonly ApiEvent[], now: Date): readonly string[] =>
  events.length === 0 ? ['Events:     <none>'] : ['Events:', ...eventLines(events, now).map((line) => `  ${line}`)]
