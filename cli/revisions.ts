import { age } from '../domain/kernel/columns.ts'
import { sameJson } from '../domain/kernel/same-json.ts'
import type { HistoryItem } from './api/answers.ts'
import type { ApiClient } from './api-client.ts'
import { CliError } from './errors.ts'
import { actorText } from './output/events.ts'
import type { Output } from './output/output.ts'
import { table } from './output/table.ts'
import { type Target, withNearestName } from './targets.ts'

/** As many revisions as mcpd answers at once: how far back one is looked for. */
export const MAX_REVISIONS = 1000

/** The newest revisions of a resource, the newest first: `limit` of them, and never more than `MAX_REVISIONS`. */
export const revisionsOf = async (api: ApiClient, target: Target, limit: number): Promise<readonly HistoryItem[]> => {
  try {
    return (await api.history(target.kind, target.name, Math.min(limit, MAX_REVISIONS))).items
  } catch (error) {
    throw await withNearestName(api, target, error)
  }
}

/** @param what is wrong: `has no revision 3` */
export const noSuchRevision = (server: string, what: string): CliError =>
  new CliError('no-such-revision', `server/${server} ${what}`, {
    hint: `"mcpctl rollout history ${server}" lists them`,
  })

/** A table of the newest `limit` of these. One more tells what the oldest of them has changed. */
export const printRevisions = (out: Output, items: readonly HistoryItem[], limit: number, now: Date): void => {
  const rows = items
    .slice(0, limit)
    .map((item, i) => [
      item.revision,
      age(item.at, now),
      actorText(item.actor),
      item.type,
      changes(item, items[i + 1], items.length <= limit),
    ])
  out.data(table(['REVISION', 'AGE', 'BY', 'TYPE', 'CHANGED'], rows))
}

/** Members of the spec that differ from the revision before; everything, for the first one. */
const changes = (item: HistoryItem, before: HistoryItem | undefined, complete: boolean): string => {
  if (item.spec === null) return '-'
  if (before === undefined && !complete) return '?'
  const was = before?.spec ?? {}
  const keys = [...new Set([...Object.keys(item.spec), ...Object.keys(was)])]
  const changed = keys.filter((key) => !sameJson(item.spec?.[key], was[key]))
  if (!sameJson(item.labels ?? {}, before?.labels ?? {})) changed.push('labels')
  return changed.join(',') || '-'
}
