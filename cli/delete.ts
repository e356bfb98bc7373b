import type { Resource } from '../domain/kernel/resource.ts'
import type { Deps } from './deps.ts'
import { durationSeconds } from './duration.ts'
import { CliError, exitCode, isCode, usageError } from './errors.ts'
import { errorText } from './main.ts'
import { fileOption } from './manifest/sources.ts'
import { readManifests } from './manifest/validate.ts'
import { dryRunMark } from './output/dry-run.ts'
import { parseTargets, type Target, withNearestName } from './targets.ts'
import { defineVerb } from './verb.ts'

/** Between two looks at whether a resource is gone. */
const POLL_MS = 100

export default defineVerb({
  arguments: { targets: { describe: 'KIND NAME… or KIND/NAME…', many: true, complete: 'target' } },
  options: {
    filename: fileOption,
    selector: { type: 'string', short: 'l', describe: 'All of the kind with these labels' },
    all: { type: 'boolean', describe: 'All of the kind' },
    wait: { type: 'boolean', default: true, describe: 'Return once it is gone; --no-wait does not' },
    timeout: { type: 'string', default: '60s', describe: 'How long to wait: 30s, 2m' },
    'ignore-not-found': { type: 'boolean', describe: 'What does not exist is no error' },
    'dry-run': { type: 'string', choices: ['client', 'server'], bare: 'client', describe: 'Delete nothing' },
    output: { type: 'string', short: 'o', choices: ['name'], describe: 'Output: name prints kind/name only' },
  },
  examples: [
    ['$0 delete server github', 'one'],
    ['$0 delete project/demo server/github', 'several, in the order given'],
    ['$0 delete -f demo.yaml', 'what a manifest declares, what refers to others first'],
    ['$0 delete servers -l team=core', 'all with a label'],
  ],
  async run(deps, values) {
    const deadline = durationSeconds('--timeout', values.timeout)
    // An unset variable in `-l "$SELECTOR"` must not mean everything.
    if (values.selector?.trim() === '') throw usageError('--selector is empty', '--all deletes all of the kind')
    const targets = await named(deps, values)
    const dryRun = values['dry-run']
    let failed = 0
    for (const target of targets) {
      const about = `${target.kind.kind}/${target.name}`
      try {
        const gone = await deleteOne(deps, target, dryRun)
        deps.out.line(values.output === 'name' ? about : `${about} deleted${dryRunMark(dryRun)}`)
        if (values.wait && dryRun === undefined) await waitUntilGone(deps, target, gone, deadline)
      } catch (error) {
        if (values['ignore-not-found'] && isCode(error, 'not-found')) continue
        const told = await withNearestName(deps.api, target, error)
        if (!(told instanceof CliError) || told.exit > exitCode.failed) throw told
        failed += 1
        deps.out.note(errorText(told))
      }
    }
    return failed > 0 ? exitCode.failed : undefined
  },
})

interface Wanted {
  readonly targets: readonly string[]
  readonly filename: readonly string[]
  readonly selector: string | undefined
  readonly all: boolean
}

const named = async (deps: Deps, { targets, filename, selector, all }: Wanted): Promise<readonly Target[]> => {
  const registry = await deps.registry()
  if (filename.length > 0) {
    if (targets.length > 0) throw usageError('--filename does not go with names')
    // A spec that is wrong by now does not keep its resource from being deleted.
    return [...(await readManifests(filename, registry, deps.input, { specs: false }))].reverse()
  }
  const wanted = parseTargets(registry, targets)
  if (wanted.type === 'named') {
    if (selector !== undefined || all) throw usageError('--selector and --all do not go with names')
    return wanted.named
  }
  if (selector === undefined && !all)
    throw usageError(
      `which ${wanted.kinds.map(({ plural }) => plural).join(', ')}?`,
      'Name them, or use --selector or --all',
    )
  const found: Target[] = []
  for (const kind of [...wanted.kinds].reverse())
    for (const { metadata } of (await deps.api.list(kind, { selector })).items)
      found.push({ kind, name: metadata.name })
  if (found.length === 0) deps.out.note('No resources found')
  return found
}

/** Answers the resource as it was, so that one of the same name that came after it is not waited for. */
const deleteOne = async ({ api }: Deps, { kind, name }: Target, dryRun: string | undefined): Promise<Resource> => {
  const resource = await api.get(kind, name)
  if (dryRun !== 'client') await api.delete(kind, name, { dryRun: dryRun === 'server' })
  return resource
}

const waitUntilGone = async (
  deps: Deps,
  { kind, name }: Target,
  was: Resource,
  timeoutSeconds: number,
): Promise<void> => {
  const until = deps.now().getTime() + timeoutSeconds * 1000
  for (;;) {
    const now = await deps.api.find(kind, name)
    if (now === undefined || now.metadata.uid !== was.metadata.uid) return
    if (deps.now().getTime() >= until)
      throw new CliError('still-there', `${kind.kind}/${name} is deleted, but still there after ${timeoutSeconds} s`, {
        hint: 'Look at "mcpctl status"; --timeout waits longer, --no-wait not at all',
      })
    await deps.sleep(POLL_MS)
  }
}
