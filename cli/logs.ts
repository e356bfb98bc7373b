import type { InstanceLogLine } from './api/answers.ts'
import type { LogOptions } from './api-client.ts'
import type { Deps } from './deps.ts'
import { durationSeconds } from './duration.ts'
import { usageError } from './errors.ts'
import { neutralLine } from './output/neutral.ts'
import { serversAndInstances } from './servers-and-instances.ts'
import { findKind, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

/** Lines of each copy that a selector shows, unless --tail says otherwise: as kubectl has it. */
const SELECTED_TAIL = 10

export default defineVerb({
  arguments: {
    targets: {
      describe: 'Names of servers or instances, server/NAME, instance/NAME',
      many: true,
      complete: { kind: 'server' },
    },
  },
  options: {
    follow: { type: 'boolean', short: 'f', describe: 'Go on with new lines, also of copies to come, until Ctrl-C' },
    selector: { type: 'string', short: 'l', describe: 'All copies of the servers with these labels' },
    tail: { type: 'number', describe: `Only the last so many lines of each copy; ${SELECTED_TAIL} with --selector` },
    since: { type: 'string', describe: 'Only lines after this: 10m, 2h, or a time (RFC 3339)' },
    previous: { type: 'boolean', short: 'p', describe: 'Of the run before the last start' },
    timestamps: { type: 'boolean', describe: 'With the time of each line' },
    prefix: { type: 'boolean', either: true, describe: 'Whose line it is before each; if there are several' },
  },
  examples: [
    ['$0 logs github', 'all copies of a server, their lines by time'],
    ['$0 logs github -f --tail 20', 'the last lines, and every new one, also through a rolling change'],
    ['$0 logs github everything --since 10m', 'two servers as one log'],
    ['$0 logs -l team=core -f', 'all copies of the servers with a label'],
    ['$0 logs instance/github-7xk2p --previous', 'why it ended'],
  ],
  async run(deps, { targets: words, selector, ...values }) {
    if (words.length > 0 && selector !== undefined) throw usageError('--selector does not go with names')
    if (words.length === 0 && selector === undefined)
      throw usageError('logs of what?', 'Name a server or an instance, or give --selector')
    const since = values.since === undefined ? undefined : sinceTime(values.since, deps.now())
    const targets = selector === undefined ? await serversAndInstances(deps, words, 'have no logs') : []
    const named = (kind: string) => targets.filter((each) => each.kind.kind === kind).map(({ name }) => name)
    const options = {
      follow: values.follow,
      tail: values.tail ?? (selector === undefined ? undefined : SELECTED_TAIL),
      previous: values.previous,
      since,
      servers: named('server'),
      instances: named('instance'),
      labelSelector: selector,
    }
    const show = printer(deps, {
      timestamps: values.timestamps,
      prefix: values.prefix ?? ((await areSeveral(deps, targets)) ? true : undefined),
    })
    for await (const line of await opened(deps, options)) show(line)
    return undefined
  },
})

const opened = async (deps: Deps, options: LogOptions): Promise<AsyncIterable<InstanceLogLine>> => {
  const lines = await deps.api.logs(options)
  if (options.follow !== true || options.previous === true) return lines
  const { followed } = await import('./follow-logs.ts')
  return followed(deps, options, lines)
}

interface LineOptions {
  readonly timestamps: boolean
  /** Undefined: from the moment when a second instance has printed a line. */
  readonly prefix: boolean | undefined
}

/** Prints a line. On a terminal escapes in it are shown, not obeyed, and each instance has a colour. */
const printer = ({ out, env }: Deps, { timestamps, prefix }: LineOptions): ((line: InstanceLogLine) => void) => {
  const coloured = out.isTTY && (env.NO_COLOR ?? '') === ''
  const colours = new Map<string, string>()
  let first: string | undefined
  let isMixed = prefix === true
  return ({ instance, at, line }) => {
    first ??= instance
    isMixed ||= prefix === undefined && instance !== first
    const colour = colours.get(instance) ?? COLOURS[colours.size % COLOURS.length] ?? ''
    colours.set(instance, colour)
    const name = coloured ? `\x1b[${colour}m[${instance}]\x1b[0m ` : `[${instance}] `
    out.line(`${isMixed ? name : ''}${timestamps ? `${at} ` : ''}${out.isTTY ? neutralLine(line) : line}`)
  }
}

/** Of the terminal's own palette, those that can be read on dark and on light. */
const COLOURS = ['36', '33', '35', '32', '34', '31']

/** Whether there is more than one instance at this moment. */
const areSeveral = async (deps: Deps, targets: readonly Target[]): Promise<boolean> => {
  const [only] = targets
  if (only === undefined || targets.length > 1) return true
  if (only.kind.kind !== 'server') return false
  const instances = findKind(await deps.registry(), 'instance')
  return (await deps.api.list(instances, { server: only.name })).items.length > 1
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
