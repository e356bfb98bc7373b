import type { InstanceView } from '../../commands/reactors/reconciler.ts'
import { coded } from '../../domain/kernel/errors.ts'
import type { Position } from '../../domain/kernel/event.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import type { ReadSide } from '../../queries/read-side.ts'

/** How long the reconciler waits for rows that are new enough before it tries again later. */
const WAIT_MS = 30_000
const PAGE = 1_000

const rowsBehind = coded(
  'rows-behind',
  503,
  'The read model is too far behind for a decision',
  (position: Position) => ({
    message: `the read model has not reached position ${position} within ${WAIT_MS / 1000} s`,
  }),
)

/** The reconciler's view of servers and instances: the read model, never older than what it has itself written. `signal` ends waiting. */
export const instanceView = (
  readSide: ReadSide,
  signal: AbortSignal,
): InstanceView & { rows(kind: string, atLeast: Position): Promise<readonly ResourceRow[]> } => {
  const caughtUp = async (position: Position): Promise<void> => {
    if (!(await readSide.waitFor(position, { timeoutMs: WAIT_MS, signal }))) throw rowsBehind(position)
  }
  const all = async (kind: string, fieldFilter?: { server: string }): Promise<readonly ResourceRow[]> => {
    const rows: ResourceRow[] = []
    let cursor: string | undefined
    do {
      const page = await readSide.queries.list({
        kind,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
        ...(fieldFilter === undefined ? {} : { fieldFilter }),
      })
      rows.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return rows
  }
  return {
    async rows(kind, atLeast) {
      await caughtUp(atLeast)
      return all(kind)
    },
    async servers(atLeast) {
      await caughtUp(atLeast)
      return all('server')
    },
    async server(name, atLeast) {
      await caughtUp(atLeast)
      return (await readSide.queries.get('server', name)).row
    },
    async instances(server, atLeast) {
      await caughtUp(atLeast)
      return all('instance', { server })
    },
    async allInstances(atLeast) {
      await caughtUp(atLeast)
      return all('instance')
    },
  }
}
