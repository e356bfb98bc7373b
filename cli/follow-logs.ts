import type { InstanceLogLine } from './api/answers.ts'
import type { LogOptions } from './api-client.ts'
import type { Deps } from './deps.ts'
import { isCode } from './errors.ts'
import { isAway, patiently } from './patience.ts'

/** Instances whose last lines are known, so that they are not shown twice after a restart of mcpd, and lines of each. */
const MAX_INSTANCES = 1000
const MAX_LINES = 100

/** What was shown of one instance: the time of its last line, and its lines of that time. */
interface Shown {
  readonly at: string
  readonly lines: readonly string[]
}

/**
 * Lines until Ctrl-C, or until none of what was asked for is there any more. When mcpd ends it is waited for, and what
 * was printed since is not missed.
 *
 * @param first lines as they come now
 */
export async function* followed(
  deps: Deps,
  options: LogOptions,
  first: AsyncIterable<InstanceLogLine>,
): AsyncGenerator<InstanceLogLine> {
  const shown = new Map<string, Shown>()
  let before: ReadonlyMap<string, Shown> = new Map()
  const openedAt = deps.now().toISOString()
  let lines = first
  for (;;) {
    try {
      for await (const line of lines) {
        if (isIn(before, line)) continue
        note(shown, line)
        yield line
      }
    } catch (error) {
      if (!isAway(error)) throw error
    }
    // It ended because mcpd does, or because what was asked for is gone.
    await deps.sleep(PAUSE_MS)
    before = new Map(shown)
    const since = earliest(before) ?? options.since ?? openedAt
    try {
      lines = await patiently(deps, () => deps.api.logs({ ...options, tail: undefined, since }))
    } catch (error) {
      if (isCode(error, 'not-found')) return
      throw error
    }
  }
}

/** A log that ends again and again is not asked for all the time. */
const PAUSE_MS = 500

/** Whether a line was shown before the connection was lost. */
const isIn = (before: ReadonlyMap<string, Shown>, { instance, at, line }: InstanceLogLine): boolean => {
  const last = before.get(instance)
  return last !== undefined && (at < last.at || (at === last.at && last.lines.includes(line)))
}

const note = (shown: Map<string, Shown>, { instance, at, line }: InstanceLogLine): void => {
  const last = shown.get(instance)
  shown.delete(instance)
  shown.set(instance, { at, lines: last?.at === at ? [...last.lines.slice(-MAX_LINES), line] : [line] })
  const [oldest] = shown.keys()
  if (shown.size > MAX_INSTANCES && oldest !== undefined) shown.delete(oldest)
}

const earliest = (shown: ReadonlyMap<string, Shown>): string | undefined =>
  [...shown.values()].map(({ at }) => at).sort()[0]
