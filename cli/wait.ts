import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Deps } from './deps.ts'
import { durationSeconds } from './duration.ts'
import { CliError, usageError } from './errors.ts'
import { parseTargets, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'
import { type Goal, reasonsOf, type Unmet, waitForKind } from './wait/wait-for-kind.ts'

export default defineVerb({
  arguments: {
    targets: {
      describe: 'KIND/NAME…, KIND NAME…, or KIND with -l or --all',
      required: true,
      many: true,
      complete: 'target',
    },
  },
  options: {
    for: {
      type: 'string',
      required: true,
      describe: 'condition=running, condition=ready, condition=healthy, or delete',
      complete: { words: ['condition=running', 'condition=ready', 'condition=healthy', 'delete'] },
    },
    timeout: { type: 'string', default: '30s', describe: 'How long to wait: 30s, 2m; 0 looks once' },
    selector: { type: 'string', short: 'l', describe: 'Resources with these labels: team=a,tier!=b' },
    all: { type: 'boolean', describe: 'All resources of the kind' },
  },
  examples: [
    ['$0 wait --for=condition=healthy server/github --timeout 2m', 'until all its copies answer their probes well'],
    ['$0 wait --for=condition=ready server/github server/files', 'until both serve'],
    ['$0 delete server github && $0 wait --for=delete server/github', 'until it is gone'],
  ],
  epilogue: 'Exit codes: 0 when all of them are, 1 when one is not within --timeout, with what it is instead.',
  async run(deps, { targets: words, for: wanted, timeout, selector, all }) {
    const seconds = durationSeconds('--timeout', timeout)
    const targets = await targetsOf(deps, words, { selector, all })
    const kinds = [...new Set(targets.map(({ kind }) => kind))]
    const goals = kinds.map((kind) => ({ kind, goal: goalOf(wanted, kind) }))
    const until = deps.now().getTime() + seconds * 1000
    const unmet = await Promise.all(
      goals.map(({ kind, goal }) => {
        const names = targets.flatMap((target) => (target.kind === kind ? [target.name] : []))
        return waitForKind(deps, kind, [...new Set(names)], goal, until)
      }),
    )
    const [first, ...others] = unmet.flat()
    if (first === undefined) return undefined
    throw await overdue(deps, wanted, timeout, [first, ...others])
  },
})

const targetsOf = async (
  deps: Deps,
  words: readonly string[],
  { selector, all }: { readonly selector: string | undefined; readonly all: boolean },
): Promise<readonly Target[]> => {
  const wanted = parseTargets(await deps.registry(), words)
  if (wanted.type === 'named') {
    if (all || selector !== undefined) throw usageError('--all and --selector do not go with names')
    return wanted.named
  }
  if (!all && selector === undefined) throw usageError('wait for which ones?', 'Name them, or use --all or --selector')
  const found: Target[] = []
  for (const kind of wanted.kinds)
    for (const { metadata } of (await deps.api.list(kind, { selector })).items)
      found.push({ kind, name: metadata.name })
  if (found.length === 0) throw new CliError('not-found', 'there are no such resources')
  return found
}

const goalOf = (wanted: string, kind: KindDefinition): Goal => {
  if (wanted === 'delete') return { type: 'delete' }
  const name = /^condition=(.+)$/.exec(wanted)?.[1]?.toLowerCase()
  const known = Object.keys(kind.conditions)
  const condition = known.includes(name ?? '') ? kind.conditions[name ?? ''] : undefined
  if (name !== undefined && condition !== undefined) return { type: 'condition', name, condition }
  throw usageError(
    name === undefined ? `--for cannot be "${wanted}"` : `${kind.plural} have no condition "${name}"`,
    known.length === 0
      ? `For ${kind.plural}: --for=delete`
      : `For ${kind.plural}: ${known.map((each) => `condition=${each}`).join(', ')}, delete`,
  )
}

const overdue = async (deps: Deps, wanted: string, timeout: string, unmet: readonly Unmet[]): Promise<CliError> => {
  const what = wanted === 'delete' ? 'deleted' : wanted.replace(/^condition=/, '').toLowerCase()
  const lines = await Promise.all(
    unmet.map(
      async (each) => `${each.kind.kind}/${each.name} is not ${what}: ${(await reasonsOf(deps, each)).join('; ')}`,
    ),
  )
  return new CliError('wait-timeout', `after ${timeout}: ${lines.join('\n')}`, {
    hint: `"mcpctl describe ${unmet[0]?.kind.kind}/${unmet[0]?.name}" shows more`,
  })
}
