import type { Condition, KindDefinition } from '../../domain/kernel/kind.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import type { ResourceList } from '../api/answers.ts'
import type { Deps } from '../deps.ts'
import { neutralLine } from '../output/neutral.ts'
import { isAway } from '../patience.ts'
import { findKind, getTarget } from '../targets.ts'

/** What a resource is to become. */
export type Goal =
  | { readonly type: 'delete' }
  | { readonly type: 'condition'; readonly name: string; readonly condition: Condition }

/** A resource that has not become it, and what it is instead. */
export interface Unmet {
  readonly kind: KindDefinition
  readonly name: string
  readonly goal: Goal
  readonly why: string
}

/** Between attempts while mcpd is away: its restart does not end the wait. */
const RETRY_PAUSE_MS = 500

/** Says each resource that has become it, as soon as that is so; answers those that have not by `until` (ms since 1970). */
export const waitForKind = async (
  deps: Deps,
  kind: KindDefinition,
  names: readonly string[],
  goal: Goal,
  until: number,
): Promise<readonly Unmet[]> => {
  const uids = new Map<string, string | undefined>()
  let pending = names
  let answer: ResourceList | undefined = await deps.api.list(kind)
  for (let first = true; ; first = false) {
    const unmet: Unmet[] = []
    for (const name of pending) {
      const item = answer?.items.find(({ metadata }) => metadata.name === name)
      if (first) {
        if (item === undefined && goal.type === 'condition') await getTarget(deps.api, { kind, name })
        uids.set(name, item?.metadata.uid)
      }
      const why = answer === undefined ? 'mcpd does not answer' : notYet(goal, item, uids.get(name))
      if (why === undefined) deps.out.line(`${kind.kind}/${name} condition met`)
      else unmet.push({ kind, name, goal, why })
    }
    const left = until - deps.now().getTime()
    if (unmet.length === 0 || left <= 0) return unmet
    pending = unmet.map(({ name }) => name)
    answer = await nextAnswer(deps, kind, answer?.asOf, left)
  }
}

const notYet = (goal: Goal, item: Resource | undefined, uid: string | undefined): string | undefined => {
  if (goal.type === 'delete') return item === undefined || item.metadata.uid !== uid ? undefined : 'it is still there'
  return item === undefined ? 'it is gone' : goal.condition(item)
}

/** The resources after their next change; undefined while mcpd is away. */
const nextAnswer = async (
  deps: Deps,
  kind: KindDefinition,
  asOf: string | undefined,
  left: number,
): Promise<ResourceList | undefined> => {
  const timeoutSeconds = Math.ceil(left / 1000)
  try {
    return await deps.api.list(kind, asOf === undefined ? {} : { changedAfter: asOf, timeoutSeconds })
  } catch (error) {
    if (!isAway(error)) throw error
    await deps.sleep(Math.min(RETRY_PAUSE_MS, left))
    return undefined
  }
}

/** Copies of a server that are named in a reason. */
const MAX_COPIES = 3

/** What a resource is instead; of a server, with what its copies are. */
export const reasonsOf = async (deps: Deps, { kind, name, goal, why }: Unmet): Promise<readonly string[]> => {
  if (kind.kind !== 'server' || goal.type !== 'condition') return [neutralLine(why)]
  const instances = findKind(await deps.registry(), 'instance')
  const condition = instances.conditions[goal.name]
  const { items } = await deps.api.list(instances, { server: name })
  const copies = items.flatMap((item) => {
    const reason = condition?.(item)
    return reason === undefined ? [] : [`${item.metadata.name}: ${reason}`]
  })
  return [why, ...copies.slice(0, MAX_COPIES)].map(neutralLine)
}
