import { CliError } from '../errors.ts'
import { defineVerb } from '../verb.ts'

/** Most names that are offered. */
const MAX_NAMES = 500

/** What completion scripts ask for: one name a line. Whatever goes wrong, there is nothing to complete, and nothing is said. */
export default defineVerb({
  arguments: {
    what: { describe: 'names, or targets (kind/name)', required: true, choices: ['names', 'targets'] },
    kind: { describe: 'Of which kind' },
  },
  options: {},
  examples: [['$0 __complete names server', 'names of all servers']],
  async run({ api, out, registry }, { what, kind: word }) {
    const kind = (await registry()).find(word ?? '')
    if (kind === undefined) return undefined
    try {
      const { items } = await api.list(kind)
      for (const { metadata } of items.slice(0, MAX_NAMES))
        out.line(what === 'names' ? metadata.name : `${word}/${metadata.name}`)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
    }
    return undefined
  },
})
