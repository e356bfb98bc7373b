import { canAsk } from '../ask.ts'
import { readConfigFile } from '../config-file.ts'
import type { Deps } from '../deps.ts'
import { CliError, usageError } from '../errors.ts'
import { defineVerb } from '../verb.ts'
import type { Client } from './clients.ts'
import { type EntryFields, type EntryValue, membersOf, type Path, type Scalar, valueAt } from './document/document.ts'
import { inverted } from './document/edit.ts'
import { type Change, mergeEntry, openDocument, putEntry, type Source } from './document/open.ts'
import { hashOf, readHistory, writeHistory } from './history.ts'
import { endpointOf, launchOf, TOKEN_VARIABLE } from './launch.ts'
import { recognise } from './recognise.ts'
import { declined, entryIn, isWanted, type Target, targetOf, write } from './target.ts'
import { undo } from './undo.ts'

/** How long mcpd is asked whether there is such a project; the answer is a remark, no more. */
const PROJECT_PATIENCE_MS = 2000
const PROJECTS = { kind: 'project', plural: 'projects' }

const options = {
  project: { type: 'string', short: 'p', required: true, describe: 'The project', complete: { kind: 'project' } },
  scope: {
    type: 'string',
    choices: ['project', 'user'],
    describe: 'Which of its files: of the project in this folder, or of the user',
  },
  name: { type: 'string', describe: 'Name of the entry, instead of the name of the project' },
  http: { type: 'boolean', describe: 'Connect to mcplocal over HTTP, instead of starting mcpctl' },
  print: { type: 'boolean', describe: 'Only print the entry' },
  'dry-run': { type: 'boolean', describe: 'Only show what would change' },
  yes: { type: 'boolean', short: 'y', describe: 'Do not ask, and replace an entry of that name that is none of ours' },
  undo: { type: 'boolean', describe: 'Take back the last change' },
} as const

/** The verb `config CLIENT`. */
export const connectVerb = (client: Client) =>
  defineVerb({
    arguments: {},
    options,
    examples: [
      [`$0 config ${client.name} -p demo`, `adds the project to ${client.label}`],
      [`$0 config ${client.name} -p demo --dry-run`, 'what would change'],
      [`$0 config ${client.name} -p demo --undo`, 'takes it back'],
    ],
    epilogue: `Everything else in the file stays as it is, to the byte. At a terminal you are asked first; in a script it is done at once. No token is ever written${
      typeof client.connect === 'string' ? '' : ': with --http, the client takes it from MCPCTL_TOKEN'
    }.`,
    async run(deps, values) {
      const { project, print, http } = values
      if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(project))
        throw usageError(`"${project}" is no name of a project`)
      if (print && (values.undo || values['dry-run']))
        throw usageError('--print only prints the entry: leave out --undo and --dry-run')
      if (http && typeof client.connect === 'string')
        throw usageError(`${client.label} cannot connect over HTTP: ${client.connect}`, 'Leave --http out')
      const target = await targetOf(deps, client, { name: values.name ?? project, scope: values.scope })
      const how = { yes: values.yes, dryRun: values['dry-run'] }
      if (values.undo) return await undo(deps, target, how)
      const fieldsIn = await entryFields(deps, client, project, http)
      if (print) return printEntry(deps, target, fieldsIn)
      if (await connect(deps, target, fieldsIn, how)) await remark(deps, target, fieldsIn, project)
      return undefined
    },
  })

/** The fields of an entry, by where its client keeps entries. */
type FieldsIn = (entries: Path) => EntryFields

const entryFields = async (deps: Deps, client: Client, project: string, http: boolean): Promise<FieldsIn> => {
  const { connect: overHttp } = client
  if (http && typeof overHttp !== 'string') {
    const endpoint = endpointOf(deps, project)
    return (entries) => overHttp(endpoint, entries)
  }
  const launch = await launchOf(deps, client, project)
  return (entries) => client.launch(launch, entries)
}

const printEntry = ({ out }: Deps, { client, file, name }: Target, fieldsIn: FieldsIn): undefined => {
  const entries = client.entries({})
  const source = { format: client.format, file: file.path, text: '' }
  out.data(putEntry(source, [...entries, name], { fields: fieldsIn(entries) }).text)
  out.note(`Merge this into ${file.path}`)
}

/** Answers whether anything was written. */
const connect = async (
  deps: Deps,
  target: Target,
  fieldsIn: FieldsIn,
  how: { readonly yes: boolean; readonly dryRun: boolean },
): Promise<boolean> => {
  const { client, file, name } = target
  const { path, value } = entryIn(target)
  const fields = fieldsIn(path.slice(0, -1))
  const source: Source = { format: client.format, file: file.path, text: file.text ?? '' }
  const isOther = value !== undefined && recognise(value) === undefined
  const change =
    value === undefined || isOther
      ? putEntry(source, path, { fields })
      : mergeEntry(source, path, withUsersOwn(fields, value), client.owned)
  if (change.edits.length === 0) {
    deps.out.line(`${client.name}: ${name} unchanged in ${file.path}`)
    return false
  }
  if (isOther && !how.yes && !how.dryRun && !canAsk(deps))
    throw new CliError('entry-exists', `${file.path} has another entry "${name}"`, {
      hint: 'Give another --name, or --yes to replace it',
    })
  const outcome = value === undefined ? 'created' : 'configured'
  const wanted = await isWanted(deps, target, { text: change.text, entry: path, written: fields }, how)
  if (how.dryRun) {
    deps.out.note(`${client.name}: ${name} would be ${outcome} in ${file.path} (dry run)`)
    return false
  }
  if (!wanted) throw declined()
  await writeRecorded(deps, target, path, change)
  deps.out.line(`${client.name}: ${name} ${outcome} in ${file.path}`)
  return true
}

/** Variables and headers that the user has added to an entry, for as long as its transport has such a thing. */
const withUsersOwn = (fields: EntryFields, present: unknown): EntryFields => {
  const merged: Record<string, EntryValue> = { ...fields }
  for (const [field, isOurs, goesWith] of [
    ['env', /^MCPCTL_/, 'command'],
    ['environment', /^MCPCTL_/, 'command'],
    ['headers', /^authorization$/i, 'headers'],
  ] as const) {
    const theirs = plainMembers(valueAt(present, [field])).filter(([key]) => !isOurs.test(key))
    if (theirs.length > 0 && Object.hasOwn(fields, goesWith))
      merged[field] = Object.fromEntries([...theirs, ...plainMembers(fields[field])])
  }
  return merged
}

const plainMembers = (value: unknown): readonly (readonly [string, Scalar])[] =>
  membersOf(value).flatMap(([key, each]) => (isScalar(each) ? [[key, each] as const] : []))

const isScalar = (value: unknown): value is Scalar => value === null || /^(string|number|boolean)$/.test(typeof value)

/** Writes the change, and before that what takes it back. */
const writeRecorded = async (deps: Deps, target: Target, path: Path, change: Change): Promise<void> => {
  const { client, file, name } = target
  const history = await readHistory(deps.config, file.path, name)
  const recorded = {
    at: deps.now().toISOString(),
    entry: [...path],
    before: file.text === undefined ? null : hashOf(file.text),
    after: hashOf(change.text),
    undo: [...inverted(change.edits)],
    previous: openDocument(client.format, file.text ?? '', file.path).source(path) ?? null,
    folders: [],
  }
  const withFolders = (folders: readonly string[]) =>
    writeHistory(deps.config, { ...history, changes: [...history.changes, { ...recorded, folders: [...folders] }] })
  await withFolders([])
  try {
    const folders = await write(deps, target, change.text)
    if (folders.length > 0) await withFolders(folders)
  } catch (error) {
    await writeHistory(deps.config, history)
    throw error
  }
}

/** What the person still has to do or to know. */
const remark = async (deps: Deps, { client, scope }: Target, fieldsIn: FieldsIn, project: string): Promise<void> => {
  const { config, out } = deps
  const written = JSON.stringify(fieldsIn(client.entries({})))
  const takesToken = written.includes(TOKEN_VARIABLE)
  if (takesToken) out.note(`Set ${TOKEN_VARIABLE} in the environment that ${client.label} is started from.`)
  else if (readConfigFile(config.path).token === undefined)
    out.note(`mcpctl finds no token when ${client.label} starts it; log in with "mcpctl login".`)
  if (scope === 'project' && /"(?:\/|[A-Za-z]:\\\\)/.test(written))
    out.note('The entry holds paths of this machine: keep it out of what others check out.')
  if (await isUnknown(deps, project)) out.note(`mcpd at ${config.server} has no project "${project}" yet.`)
  out.note(client.afterwards)
}

/** Whether mcpd says that there is no such project. That it says nothing is no reason to say anything here. */
const isUnknown = async ({ api, config }: Deps, project: string): Promise<boolean> => {
  if (config.token === undefined) return false
  const patience = AbortSignal.timeout(PROJECT_PATIENCE_MS)
  const late = new Promise<'late'>((resolve) => patience.addEventListener('abort', () => resolve('late')))
  try {
    return (await Promise.race([api.find(PROJECTS, project), late])) === undefined
  } catch (error) {
    if (error instanceof CliError) return false
    throw error
  }
}
