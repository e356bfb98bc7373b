import type { InstanceLogs, LogLine, ReadLogOptions } from '../../domain/instance/runtime.ts'
import { confluence } from './confluence.ts'

/** A line, and whose it is. */
export interface InstanceLine extends LogLine {
  readonly instance: string
}

export interface MergedLogsOptions extends Omit<ReadLogOptions, 'onCaughtUp' | 'signal'> {
  readonly instances: readonly string[]
  /** With `follow`: names of instances that have come since. Ends when there will be no more. */
  readonly arrivals?: AsyncIterable<string>
  readonly signal: AbortSignal
}

/** Characters of kept lines that are held to be sorted, of all instances together; what is older is left out and counted. */
export const MAX_SORTED_CHARACTERS = 32 * 1024 * 1024
/** What a line costs beside its text. */
const LINE_OVERHEAD = 200

/**
 * The logs of several instances as one: what was kept by time, then new lines as they come, those of instances that
 * come later included.
 */
export async function* mergedLogs(
  logs: Pick<InstanceLogs, 'read'>,
  { instances, arrivals, ...options }: MergedLogsOptions,
): AsyncGenerator<InstanceLine> {
  const [only] = instances
  if (only !== undefined && instances.length === 1 && arrivals === undefined) {
    yield* named(only, logs.read(only, options))
    return
  }
  const { signal } = options
  const flow = confluence<InstanceLine>(signal)
  const kept: InstanceLine[] = []
  const room = Math.floor(MAX_SORTED_CHARACTERS / Math.max(1, instances.length))
  // One after the other: each reads its files whole.
  for (const instance of instances) {
    const { lines, rest } = await keptLines(logs, instance, options, room)
    for (const line of lines) kept.push(line)
    if (rest !== undefined) flow.add(rest)
    if (signal.aborted) return
  }
  yield* kept.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  kept.length = 0
  const { tail: _tail, since: _since, ...fromItsStart } = options
  const come = async (): Promise<void> => {
    for await (const instance of arrivals ?? []) flow.add(named(instance, logs.read(instance, fromItsStart)))
  }
  flow.add(nothing(come()))
  yield* flow.items()
}

async function* named(instance: string, lines: AsyncIterable<LogLine>): AsyncGenerator<InstanceLine> {
  for await (const line of lines) yield { instance, ...line }
}

/** Nothing, until the work is done: what it throws is thrown to who reads. */
// biome-ignore lint/correctness/useYield: it has nothing to yield
async function* nothing(work: Promise<void>): AsyncGenerator<never> {
  await work
}

/** What an instance has printed so far, the newest `room` characters of it, and what follows. */
const keptLines = async (
  logs: Pick<InstanceLogs, 'read'>,
  instance: string,
  options: ReadLogOptions,
  room: number,
): Promise<{ readonly lines: readonly InstanceLine[]; readonly rest?: AsyncGenerator<InstanceLine> }> => {
  let onCaughtUp = (): void => {}
  const caughtUp = new Promise<undefined>((resolve) => {
    onCaughtUp = () => resolve(undefined)
  })
  const source = logs.read(instance, { ...options, onCaughtUp })[Symbol.asyncIterator]()
  const lines: InstanceLine[] = []
  for (;;) {
    const next = source.next()
    const result = await Promise.race([next, caughtUp])
    if (result === undefined) return { lines: newest(lines, room), rest: goOn(instance, next, source) }
    if (result.done === true) return { lines: newest(lines, room) }
    lines.push({ instance, ...result.value })
  }
}

async function* goOn(
  instance: string,
  first: Promise<IteratorResult<LogLine>>,
  source: AsyncIterator<LogLine>,
): AsyncGenerator<InstanceLine> {
  for (let result = await first; result.done !== true; result = await source.next()) yield { instance, ...result.value }
}

/** The newest lines that fit into `room`, and before them how many do not. */
export const newest = (lines: readonly InstanceLine[], room: number): readonly InstanceLine[] => {
  let from = lines.length
  for (let left = room; from > 0; from -= 1) {
    left -= (lines[from - 1]?.line.length ?? 0) + LINE_OVERHEAD
    if (left < 0) break
  }
  const [first] = lines
  if (from === 0 || first === undefined) return lines
  const { instance, at } = lines[from] ?? first
  const line = `[${from} older lines left out: these are too many instances to sort all they have printed]`
  return [{ instance, at, source: 'mcpd', line }, ...lines.slice(from)]
}
