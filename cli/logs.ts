import type { InstanceLogLine } from './api/answers.ts'
import type { LogOptions } from './api-client.ts'
import type { Deps } from './deps.ts'
import { durationSeconds } from './duration.ts'
import { isCode, usageError } from './errors.ts'
import { neutralLine } from './output/neutral.ts'
import { findKind, type Target, withNearestName } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    target: {
      describe: 'NAME of a server, server/NAME or instance/NAME',
      required: true,
      many: true,
      complete: { kind: 'server' },
    },
  },
  options: {
    follow: { type: 'boolean', short: 'f', describe: 'Go on with new lines, until Ctrl-C' },
    tail: { type: 'number', describe: 'Only the last so many lines' },
    since: { type: 'string', describe: 'Only lines after this: 10m, 2h, or a time (ISO 8601)' },
    previous: { type: 'boolean', describe: 'Of the run before the last start' },
    timestamps: { type: 'boolean', describe: 'With the time of each line' },
  },
  examples: [
    ['$0 logs github', 'all copies of a server'],
    ['$0 logs github -f --tail 20', 'the last lines, and every new one'],
    ['$0 logs instance/github-7xk2p --previous', 'why it ended'],
    ['$0 logs server github --since 10m', 'the last ten minutes'],
  ],
  async run(deps, { target: words, follow, tail, since, previous, timestamps }) {
    const options = { follow, tail, previous, since: since === undefined ? undefined : sinceTime(since, deps.now()) }
    const { target, lines } = await open(deps, await logTargets(deps, words), options)
    let mixed = await hasSeveralInstances(deps, target)
    let first: string | undefined
    for await (const line of lines) {
      first ??= line.instance
      mixed ||= line.instance !== first // one that was started meanwhile
      deps.out.line(lineText(line, { mixed, timestamps, safe: deps.out.isTTY }))
    }
    return undefined
  },
})

interface LineOptions {
  readonly mixed: boolean
  readonly timestamps: boolean
  /** A terminal is written to: escapes in the line are shown, not obeyed. */
  readonly safe: boolean
}

const lineText = ({ instance, at, line }: InstanceLogLine, { mixed, timestamps, safe }: LineOptions): string =>
  `${mixed ? `[${instance}] ` : ''}${timestamps ? `${at} ` : ''}${safe ? neutralLine(line) : line}`

/** `NAME` alone is a server, or, where there is none of that name, an instance. */
const logTargets = async (deps: Deps, words: readonly string[]): Promise<readonly Target[]> => {
  const registry = await deps.registry()
  const [one = '', two, more] = words
  if (more !== undefined) throw usageError('logs of one resource at a time, please')
  const kinds = [findKind(registry, 'server'), findKind(registry, 'instance')]
  const slash = one.indexOf('/')
  if (two === undefined && slash < 0) return kinds.map((kind) => ({ kind, name: one }))
  const kind = findKind(registry, two === undefined ? one.slice(0, slash) : one)
  if (!kinds.includes(kind)) throw usageError(`${kind.plural} have no logs`, 'Servers and instances do')
  return [{ kind, name: two ?? one.slice(slash + 1) }]
}

type Opened = { readonly target: Target; readonly lines: AsyncIterable<InstanceLogLine> }

/** The log of the first target that exists. */
const open = async (deps: Deps, targets: readonly Target[], options: LogOptions): Promise<Opened> => {
  let missing: { target: Target; error: unknown } | undefined
  for (const target of targets) {
    try {
      return { target, lines: await deps.api.logs(target.kind, target.name, options) }
    } catch (error) {
      if (!isCode(error, 'not-found')) throw error
      missing ??= { target, error }
    }
  }
  throw missing === undefined
    ? usageError('logs of what?')
    : await withNearestName(deps.api, missing.target, missing.error)
}

const hasSeveralInstances = async (deps: Deps, { kind, name }: Target): Promise<boolean> => {
  if (kind.kind !== 'server') return false
  const instances = findKind(await deps.registry(), 'instance')
  return (await deps.api.list(instances, { server: name })).items.length > 1
}

/** `10m` ago, or a time, as ISO 8601. */
const sinceTime = (text: string, now: Date): string => {
  if (/^\d{4}-/.test(text)) {
    const time = new Date(text)
    if (Number.isNaN(time.getTime())) throw usageError(`--since: "${text}" is no time`, 'Example: 2026-01-31T12:00:00Z')
    return time.toISOString()
  }
  return new Date(now.getTime() - durationSeconds('--since', text) * 1000).toISOString()
}
