import type { Deps } from '../deps.ts'
import { CliError } from '../errors.ts'
import { listAll } from '../mcp-client/lists.ts'
import { withProject } from '../mcp-client/project.ts'
import { defineVerb } from '../verb.ts'

/** Most names that are offered. */
const MAX_NAMES = 500

/** What completion scripts ask for: one name a line. Whatever goes wrong, there is nothing to complete, and nothing is said. */
export default defineVerb({
  arguments: {
    what: {
      describe: 'names, targets (kind/name), or tools of a project',
      required: true,
      choices: ['names', 'targets', 'tools'],
    },
    of: { describe: 'Of which kind, or which project' },
  },
  options: {},
  examples: [['$0 __complete names server', 'names of all servers']],
  async run(deps, { what, of: word = '' }) {
    if (what === 'tools') return await printTools(deps, word)
    const { api, out, registry } = deps
    const kind = (await registry()).find(word)
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

/** Nobody waits longer for what they may as well type. */
const TOOLS_MS = 1_000
/** Shells expand what they offer, and servers choose these names. */
const HARMLESS = /^[A-Za-z0-9_.-]+$/

const printTools = async (deps: Deps, project: string): Promise<undefined> => {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(TOOLS_MS)])
  try {
    const tools = await withProject(deps, project, (connection) => listAll(connection, 'tool'), {
      signal,
      timeoutMs: TOOLS_MS,
    })
    const names = tools.map(({ name }) => String(name)).filter((name) => HARMLESS.test(name))
    for (const name of names.slice(0, MAX_NAMES)) deps.out.line(name)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
  }
}
