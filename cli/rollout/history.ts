import { printData } from '../output/data.ts'
import { dataOption } from '../output/format.ts'
import { MAX_REVISIONS, noSuchRevision, printRevisions, revisionsOf } from '../revisions.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

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
    const items = await revisionsOf(deps.api, target, revision === undefined ? limit + 1 : MAX_REVISIONS)
    const one = items.find((item) => item.revision === revision)
    if (revision !== undefined && one === undefined) throw noSuchRevision(target.name, `has no revision ${revision}`)
    if (one === undefined && output === undefined) printRevisions(deps.out, items, limit, deps.now())
    else await printData(deps.out, output ?? 'yaml', one ?? items.slice(0, limit))
    return undefined
  },
})
