import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Deps } from '../deps.ts'
import { CliError } from '../errors.ts'
import { dataOption } from '../output/format.ts'
import { table } from '../output/table.ts'
import { defineVerb } from '../verb.ts'
import { type Client, clients, type Scope } from './clients.ts'
import { membersOf, valueAt } from './document/document.ts'
import { openDocument } from './document/open.ts'
import { type Ours, recognise } from './recognise.ts'
import { fileOf } from './target.ts'

const SCOPES: readonly Scope[] = ['project', 'user']

/** One file of one client, and the entries in it that lead to projects. */
interface Found {
  readonly client: string
  readonly scope: Scope
  readonly file: string
  /** What keeps it from being read, if anything does. */
  readonly error?: string
  readonly entries: readonly (Ours & { readonly name: string })[]
}

export default defineVerb({
  arguments: {},
  options: {
    output: dataOption,
    all: { type: 'boolean', short: 'a', describe: 'Clients that are not there, too' },
  },
  examples: [
    ['$0 config list', 'which clients are there, and which projects they reach'],
    ['$0 config list -o json', 'for a script'],
  ],
  async run(deps, { output, all }) {
    const found = (
      await Promise.all(clients.flatMap((client) => SCOPES.map((scope) => look(deps, client, scope, all))))
    ).flat()
    if (output !== undefined) {
      const { toJson, toYaml } = await import('../output/yaml.ts')
      deps.out.data((output === 'json' ? toJson : toYaml)(found))
      return undefined
    }
    deps.out.data(table(['CLIENT', 'SCOPE', 'ENTRY', 'PROJECT', 'TRANSPORT', 'FILE'], found.flatMap(rowsOf)))
    for (const { client, error } of found) if (error !== undefined) deps.out.note(`${client}: ${error}`)
    if (found.length === 0) deps.out.note('No client is there; --all shows those that mcpctl knows.')
    return found.some(({ error }) => error !== undefined) ? 1 : undefined
  },
})

/** A file that is there, or could be since its client's folder is; all of them with `all`. */
const look = async (deps: Deps, client: Client, scope: Scope, all: boolean): Promise<readonly Found[]> => {
  const about = { client: client.name, scope }
  try {
    const file = await fileOf(deps, client, scope)
    if (file === undefined) return []
    const isThere = file.text !== undefined || (scope === 'user' && (await isFolder(dirname(file.path), deps)))
    return isThere || all ? [{ ...about, file: file.path, entries: entriesOf(client, file.path, file.text ?? '') }] : []
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return [{ ...about, file: '', error: error.message, entries: [] }]
  }
}

const entriesOf = (client: Client, file: string, text: string): Found['entries'] => {
  const { root } = openDocument(client.format, text, file)
  return membersOf(valueAt(root, client.entries(root))).flatMap(([name, value]) => {
    const ours = recognise(value)
    return ours === undefined ? [] : [{ name, ...ours }]
  })
}

const rowsOf = ({ client, scope, file, error, entries }: Found): readonly (readonly string[])[] =>
  entries.length === 0
    ? [[client, scope, error === undefined ? '' : 'unreadable', '', '', file]]
    : entries.map(({ name, project, transport }) => [client, scope, name, project, transport, file])

/** The home folder itself is there for everybody. */
const isFolder = async (path: string, { env }: Deps): Promise<boolean> => {
  if (path === env.HOME || path === env.USERPROFILE) return false
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false // whatever the reason, no client to be seen there
  }
}
