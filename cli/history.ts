import { age } from '../domain/kernel/columns.ts'
import { sameJson } from '../domain/kernel/same-json.ts'
import type { HistoryItem } from './api/answers.ts'
import { usageError } from './errors.ts'
import { actorText } from './output/events.ts'
import { dataOption } from './output/format.ts'
import type { Output } from './output/output.ts'
import { table } from './output/table.ts'
import { parseTarget, withNearestName } from './targets.ts'
import { defineVerb } from './verb.ts'

/** Most revisions that mcpd answers at once. */
const MAX_PAGE = 1000

export default defineVerb({
  arguments: {
    target: { describe: 'KIND/NAME, or KIND NAME', required: true, many: true, complete: 'target' },
  },
  options: {
    limit: { type: 'number', default: 20, describe: 'At most so many revisions' },
    output: dataOption,
  },
  examples: [
    ['$0 history server/github', 'who changed it, when, and what'],
    ['$0 history server github -o yaml', 'with the whole spec of each revision'],
  ],
  async run({ api, out, now, registry }, { target: words, limit, output }) {
    const target = parseTarget(await registry(), words)
    if (!target.kind.declarable)
      throw usageError(
        `${target.kind.plural} are not declared and have no history`,
        `"mcpctl describe ${words.join(' ')} --events 100" shows what happened`,
      )
    // One more than is shown: what the oldest one changed is told by the one before it.
    const page = await api
      .history(target.kind, target.name, Math.min(limit + 1, MAX_PAGE))
      .catch(async (error: unknown) => {
        throw await withNearestName(api, target, error)
      })
    const items = page.items.slice(0, limit)
    if (output !== undefined) {
      const { toJson, toYaml } = await import('./output/yaml.ts')
      out.data((output === 'json' ? toJson : toYaml)(items))
      return undefined
    }
    printRevisions(out, page.items, limit, now())
    return undefined
  },
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
