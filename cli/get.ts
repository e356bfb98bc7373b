import type { Deps } from './deps.ts'
import { usageError } from './errors.ts'
import { assertNoProject, offeredTargets, projectOption } from './offered/kinds.ts'
import { formatOf, outputOption } from './output/format.ts'
import { type Group, printResources } from './output/resources.ts'
import { getTarget, parseTargets, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    targets: { describe: 'KIND, KIND,KIND, KIND NAME… or KIND/NAME…', required: true, many: true, complete: 'target' },
  },
  options: {
    output: outputOption,
    selector: { type: 'string', short: 'l', describe: 'Only resources with these labels: team=a,tier!=b' },
    watch: { type: 'boolean', short: 'w', describe: 'Go on with every change, until Ctrl-C' },
    server: { type: 'string', describe: 'Only instances of this server', complete: { kind: 'server' } },
    project: projectOption,
  },
  examples: [
    ['$0 get servers', 'all servers'],
    ['$0 get srv,secrets', 'several kinds, by any of their names'],
    ['$0 get server github -o yaml', 'a manifest that "apply" takes'],
    ['$0 get servers -l team=core -o wide', 'those with a label, with more columns'],
    ['$0 get instances --server github --watch', "a server's running copies, as they change"],
    ['$0 get tools -p demo', 'what a project offers to agents: tools, prompts, resources, resourcetemplates'],
    ["$0 get servers -o jsonpath='{.items[*].metadata.name}'", 'names only'],
  ],
  async run(deps, { targets, output, selector, watch, server, project }) {
    const format = formatOf(output)
    const offered = offeredTargets(await deps.registry(), targets)
    if (offered !== undefined) {
      const { getOffered } = await import('./offered/get.ts')
      return await getOffered(deps, offered, { project, format, selector, watch, server })
    }
    const wanted = parseTargets(await deps.registry(), targets)
    assertNoProject(project)
    if (server !== undefined && !(wanted.type === 'kinds' && wanted.kinds.every(({ kind }) => kind === 'instance')))
      throw usageError('--server goes with instances only', 'Example: mcpctl get instances --server github')
    if (selector !== undefined && wanted.type === 'named') throw usageError('--selector does not go with names')
    if (watch) {
      const { watchResources } = await import('./get-watch.ts')
      return await watchResources(deps, wanted, { format, selector, server })
    }
    if (wanted.type === 'named') return await printNamed(deps, wanted.named, format)
    const groups: Group[] = []
    for (const kind of wanted.kinds)
      groups.push({ kind, items: (await deps.api.list(kind, { selector, server })).items })
    await printResources(deps.out, groups, { format, now: deps.now(), single: false })
    return undefined
  },
})

/** One that is missing does not hide the others: they are printed, then its error. */
const printNamed = async (
  deps: Deps,
  named: readonly Target[],
  format: ReturnType<typeof formatOf>,
): Promise<undefined> => {
  const groups: Group[] = []
  const errors: unknown[] = []
  for (const target of named) {
    try {
      const item = await getTarget(deps.api, target)
      const last = groups.at(-1)
      if (last?.kind === target.kind) groups[groups.length - 1] = { kind: target.kind, items: [...last.items, item] }
      else groups.push({ kind: target.kind, items: [item] })
    } catch (error) {
      errors.push(error)
    }
  }
  if (groups.length > 0) await printResources(deps.out, groups, { format, now: deps.now(), single: named.length === 1 })
  await throwAll(deps, errors)
  return undefined
}

/** Prints all errors but the last, which is thrown. */
const throwAll = async (deps: Deps, errors: readonly unknown[]): Promise<void> => {
  if (errors.length === 0) return
  const { CliError } = await import('./errors.ts')
  const { errorText } = await import('./main.ts')
  for (const error of errors.slice(0, -1)) {
    if (!(error instanceof CliError)) throw error
    deps.out.note(errorText(error))
  }
  throw errors.at(-1)
}
