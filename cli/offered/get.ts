import type { Deps } from '../deps.ts'
import { usageError } from '../errors.ts'
import type { Format } from '../output/format.ts'
import { printResources } from '../output/resources.ts'
import { askOffered } from './ask.ts'
import { columnsFor, type OfferedTarget } from './kinds.ts'

/** Flags of `get` and `describe` that are about what mcpd keeps. */
export interface OtherFlags {
  readonly selector?: string | undefined
  readonly watch?: boolean
  readonly server?: string | undefined
}

/** `get tools -p demo`, in every format that `get` has. */
export const getOffered = async (
  deps: Deps,
  targets: readonly OfferedTarget[],
  options: { readonly project: string | undefined; readonly format: Format } & OtherFlags,
): Promise<undefined> => {
  assertNone(targets, options)
  const { project, format } = options
  const groups = (await askOffered(deps, project, targets)).map(({ kind, items }) => ({
    kind: { ...kind, columns: columnsFor(kind, items) },
    items,
  }))
  const single = targets.length === 1 && targets[0]?.names.length === 1
  await printResources(deps.out, groups, { format, now: deps.now(), single })
}

/** @throws CliError `usage` for a flag that means nothing for what servers offer */
export const assertNone = ([first]: readonly OfferedTarget[], { selector, watch, server }: OtherFlags): void => {
  const flag =
    selector !== undefined ? '--selector' : watch === true ? '--watch' : server !== undefined ? '--server' : undefined
  if (flag === undefined) return
  const why = flag === '--selector' ? 'have no labels' : flag === '--watch' ? 'are not watched' : 'are of a project'
  throw usageError(`${flag} does not go with ${first?.kind.plural}: they ${why}`, 'Example: mcpctl get tools -p demo')
}
