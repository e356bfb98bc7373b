import type { InstanceView } from '../../commands/reactors/reconciler.ts'
import { coded } from '../../domain/kernel/errors.ts'
import type { Position } from '../../domain/kernel/event.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { allRows } from '../../queries/all-rows.ts'
import type { ReadSide } from '../../queries/read-side.ts'

/** How long the reconciler waits for rows that are new enough before it tries again later. */
const WAIT_MS = 30_000

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
  const { queries } = readSide
  const caughtUp = async (position: Position): Promise<void> => {
    if (!(await readSide.waitFor(position, { timeoutMs: WAIT_MS, signal }))) throw rowsBehind(position)
  }
  return {
    async rows(kind, atLeast) {
      await caughtUp(atLeast)
      return allRows(queries, { kind })
    },
    async servers(atLeast) {
      await caughtUp(atLeast)
      return allRows(queries, { kind: 'server' })
    },
    async server(name, atLeast) {
      await caughtUp(atLeast)
      return (await queries.get('server', name)).row
    },
    async instances(server, atLeast) {
      await caughtUp(atLeast)
      return allRows(queries, { kind: 'instance', fieldFilter: { server } })
    },
    async allInstances(atLeast) {
      await caughtUp(atLeast)
      return allRows(queries, { kind: 'instance' })
    },
  }
}
