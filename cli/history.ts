import { usageError } from './errors.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { printRevisions, revisionsOf } from './revisions.ts'
import { parseTarget } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    target: { describe: 'KIND/NAME, or KIND NAME', required: true, many: true, complete: 'target' },
  },
  options: {
    limit: { type: 'number', default: 20, describe: 'At most so many revisions' },
    output: dataOption,
  },
  examples: [
    ['$0 history server/github', 'who changed it, when, and what'],
    ['$0 history server github -o yaml', 'with the whole spec of each revision'],
  ],
  async run({ api, out, now, registry }, { target: words, limit, output }) {
    const target = parseTarget(await registry(), words)
    if (!target.kind.declarable)
      throw usageError(
        `${target.kind.plural} are not declared and have no history`,
        `"mcpctl describe ${words.join(' ')} --events 100" shows what happened`,
      )
    // One more than is shown: what the oldest one changed is told by the one before it.
    const revisions = await revisionsOf(api, target, limit + 1)
    if (output === undefined) printRevisions(out, revisions, limit, now())
    else await printData(out, output, revisions.slice(0, limit))
    return undefined
  },
})
