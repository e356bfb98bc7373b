import { CodedError, coded } from '../../domain/kernel/errors.ts'
import type { Position } from '../../domain/kernel/event.ts'
import { pause } from '../../domain/kernel/pause.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { changedSince } from './watch.ts'

/** Whose logs are asked for. */
export interface LogTargets {
  readonly servers: readonly string[]
  readonly instances: readonly string[]
  /** Servers with these labels, too. */
  readonly labelSelector?: string
}

export interface FoundInstances {
  readonly names: readonly string[]
  /** Position of the log that they are as of. */
  readonly asOf: Position
  /** How many of the servers there are. */
  readonly servers: number
}

/** Most instances whose logs are read at once. */
export const MAX_LOGS = 100

/** 422: nobody reads the output of so many programs at once. */
const tooManyLogs = coded('too-many-logs', 422, 'The logs of too many instances are asked for at once', () => ({
  message: `these are more than ${MAX_LOGS} instances`,
  hint: 'Name some of them, or use a narrower selector',
}))

/** The instances that are meant at this moment. @throws TooManyLogs */
export const instancesOf = async (
  { queries }: Pick<ReadSide, 'queries'>,
  { servers, instances, labelSelector }: LogTargets,
): Promise<FoundInstances> => {
  // Taken first: what changes in between is seen again.
  const asOf = (await queries.lastChange('instance')) ?? 0n
  const found = new Set(instances)
  const selected = await serversOf(queries, servers, labelSelector)
  for (const server of selected) {
    const page = await queries.list({ kind: 'instance', limit: MAX_LOGS + 1, fieldFilter: { server } })
    for (const { name } of page.items) found.add(name)
    if (found.size > MAX_LOGS) throw tooManyLogs()
  }
  return { names: [...found], asOf, servers: selected.length }
}

const serversOf = async (
  queries: ReadSide['queries'],
  servers: readonly string[],
  labelSelector: string | undefined,
): Promise<readonly string[]> => {
  const found = new Set<string>()
  for (const name of servers) if ((await queries.get('server', name)).row !== undefined) found.add(name)
  if (labelSelector === undefined) return [...found]
  const page = await queries.list({ kind: 'server', limit: MAX_LOGS + 1, labelSelector })
  if (page.items.length > MAX_LOGS) throw tooManyLogs()
  for (const { name } of page.items) found.add(name)
  return [...found]
}

/** How often it is looked again without a change, and after rows could not be read. */
const LOOK_AGAIN_MS = 25_000
const RETRY_MS = 1_000

/**
 * Names of instances that come after `begin`, until `signal` aborts or none of the servers that were named is there any
 * more. Those beyond `MAX_LOGS` come when others have gone.
 */
export async function* arrivalsOf(
  readSide: ReadSide,
  targets: LogTargets,
  begin: FoundInstances,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let known: ReadonlySet<string> = new Set(begin.names)
  let { asOf, servers } = begin
  while (!signal.aborted && (servers > 0 || targets.labelSelector !== undefined)) {
    try {
      await changedSince(readSide, 'instance', asOf, LOOK_AGAIN_MS, signal)
      if (signal.aborted) return
      const now = await instancesOf(readSide, targets)
      for (const name of now.names) if (!known.has(name)) yield name
      known = new Set(now.names)
      asOf = now.asOf
      servers = now.servers
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      await pause(RETRY_MS, signal)
    }
  }
}
