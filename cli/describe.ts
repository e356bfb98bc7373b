import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import type { ApiEvent } from './api/answers.ts'
import type { Deps } from './deps.ts'
import { isCode } from './errors.ts'
import { eventLines } from './output/events.ts'
import { outline } from './output/outline.ts'
import { getTarget, parseTargets, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

const MASK = '********'
/** Events shown if nobody says how many: what an instance is, is what happened to it. */
const EVENTS = 10
const INSTANCE_EVENTS = 50

export default defineVerb({
  arguments: {
    targets: { describe: 'KIND NAME… or KIND/NAME…', required: true, many: true, complete: 'target' },
  },
  options: {
    'show-values': { type: 'boolean', describe: "Show a secret's values in clear" },
    events: {
      type: 'number',
      describe: 'How many of its last events to show; 50 of an instance, 10 of others if left out',
    },
    selector: { type: 'string', short: 'l', describe: 'Resources with these labels' },
  },
  examples: [
    ['$0 describe server github', 'its spec, its state and its last events'],
    ['$0 describe instance/github-7xk2p', 'why it does not start'],
    ['$0 describe secret demo --show-values', 'the values in clear, on your screen'],
  ],
  async run(deps, { targets, 'show-values': showValues, events, selector }) {
    const wanted = parseTargets(await deps.registry(), targets)
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
  const count = options.events ?? (kind.kind === 'instance' ? INSTANCE_EVENTS : EVENTS)
  const events = count > 0 ? await eventsOf(deps, { kind, name }, count) : []
  const spec = kind.kind === 'secret' ? await secretSpec(deps, resource, options.showValues) : resource.spec
  return [
    ...head(kind, resource),
    ...outline({ Spec: spec, Status: resource.status ?? {} }),
    ...eventsPart(events, deps.now()),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

/** What was never declared, such as a broken template file, has a row and no events. */
const eventsOf = async ({ api }: Deps, { kind, name }: Target, limit: number): Promise<readonly ApiEvent[]> => {
  try {
    return await api.events(kind, name, limit)
  } catch (error) {
    if (isCode(error, 'not-found')) return []
    throw error
  }
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
