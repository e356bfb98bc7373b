import { CliError } from '../errors.ts'
import { printRevisions } from '../history.ts'
import { dataOption } from '../output/format.ts'
import { withNearestName } from '../targets.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

/** As many revisions as mcpd answers at once. */
const MAX_REVISIONS = 1000

export default defineVerb({
  arguments: { target: serverArgument },
  options: {
    revision: { type: 'string', describe: 'Show this one in full' },
    limit: { type: 'number', default: 20, describe: 'At most so many revisions' },
    output: dataOption,
  },
  examples: [
    ['$0 rollout history server/github', 'what "rollout undo" can go back to'],
    ['$0 rollout history github --revision 3', 'the spec as it was then'],
  ],
  async run(deps, { target: words, revision, limit, output }) {
    const target = await serverTarget(deps, words)
    const { kind, name } = target
    const most = revision === undefined ? Math.min(limit + 1, MAX_REVISIONS) : MAX_REVISIONS
    const { items } = await deps.api.history(kind, name, most).catch(async (error: unknown) => {
      throw await withNearestName(deps.api, target, error)
    })
    const one = items.find((item) => item.revision === revision)
    if (revision !== undefined && one === undefined)
      throw new CliError('no-such-revision', `server/${name} has no revision ${revision}`, {
        hint: `"mcpctl rollout history ${name}" lists them`,
      })
    if (one === undefined && output === undefined) {
      printRevisions(deps.out, items, limit, deps.now())
      return undefined
    }
    const { toJson, toYaml } = await import('../output/yaml.ts')
    deps.out.data((output === 'json' ? toJson : toYaml)(one ?? items.slice(0, limit)))
    return undefined
  },
})
