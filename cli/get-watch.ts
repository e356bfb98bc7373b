import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import type { Deps } from './deps.ts'
import { usageError } from './errors.ts'
import type { Format } from './output/format.ts'
import { headersOf, printResources, rowOf } from './output/resources.ts'
import { tableLayout } from './output/table.ts'
import { patiently } from './patience.ts'
import type { Targets } from './targets.ts'

interface WatchOptions {
  readonly format: Format
  readonly selector: string | undefined
  readonly server: string | undefined
}

/** Prints what there is, then each resource again when it changes; deletions are said on stderr. Ends by Ctrl-C only. */
export const watchResources = async (deps: Deps, targets: Targets, options: WatchOptions): Promise<never> => {
  const { kind, name } = watched(targets)
  const print = printer(deps, kind, options.format)
  let known = new Map<string, Resource>()
  let asOf: string | undefined
  for (;;) {
    const filter = { selector: options.selector, server: options.server }
    const changedAfter = asOf
    // The first list fails at once: nothing was watched yet.
    const answer =
      changedAfter === undefined
        ? await deps.api.list(kind, filter)
        : await patiently(deps, () => deps.api.list(kind, { ...filter, changedAfter }))
    const items = answer.items.filter(({ metadata }) => name === undefined || metadata.name === name)
    await print(items.filter((item) => known.get(item.metadata.name)?.metadata.position !== item.metadata.position))
    const now = new Map(items.map((item) => [item.metadata.name, item]))
    for (const gone of known.keys()) if (!now.has(gone)) deps.out.note(`${kind.kind}/${gone} deleted`)
    known = now
    asOf = answer.asOf
  }
}

const watched = (targets: Targets): { kind: KindDefinition; name: string | undefined } => {
  if (targets.type === 'kinds' && targets.kinds.length === 1 && targets.kinds[0] !== undefined)
    return { kind: targets.kinds[0], name: undefined }
  if (targets.type === 'named' && targets.named.length === 1 && targets.named[0] !== undefined) return targets.named[0]
  throw usageError('--watch takes one kind, or one resource')
}

/** A table whose header is printed once, or a document a change. */
const printer = (
  deps: Deps,
  kind: KindDefinition,
  format: Format,
): ((changed: readonly Resource[]) => Promise<void>) => {
  if (format.type !== 'table') {
    return async (changed) => {
      for (const item of changed) {
        if (format.type === 'yaml') deps.out.line('---')
        await printResources(deps.out, [{ kind, items: [item] }], { format, now: deps.now(), single: true })
        if (format.type === 'jsonpath' && !deps.out.isTTY) deps.out.line()
      }
    }
  }
  const headers = headersOf(kind, format.wide)
  const layout = tableLayout(headers)
  let begun = false
  return async (changed) => {
    const rows = changed.map((item) => rowOf(kind, item, format.wide, deps.now()))
    for (const row of rows) layout.fit(row)
    if (!begun && rows.length > 0) {
      deps.out.line(layout.line(headers))
      begun = true
    }
    for (const row of rows) deps.out.line(layout.line(row))
  }
}
