import { canAsk } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, usageError } from '../errors.ts'
import { neutralText } from '../output/neutral.ts'
import { type ClientFile, type NewFileModes, readClientFile, writeClientFile } from './client-file.ts'
import type { Client, Scope } from './clients.ts'
import { type Path, valueAt } from './document/document.ts'
import { openDocument } from './document/open.ts'
import { surroundingsOf } from './launch.ts'
import { preview } from './preview.ts'

/** The entry that a command line is about. */
export interface Target {
  readonly client: Client
  readonly scope: Scope
  readonly name: string
  readonly file: ClientFile
}

/** What is about to become of a client's file. */
export interface Planned {
  readonly text: string | undefined
  readonly entry: Path
  /** What mcpctl writes; undefined where it puts back what was there. */
  readonly written: unknown
}

/** @throws CliError `usage` for a scope that the client does not have */
export const targetOf = async (
  deps: Deps,
  client: Client,
  { name, scope: given }: { readonly name: string; readonly scope: string | undefined },
): Promise<Target> => {
  if (!/^[A-Za-z0-9][\w-]{0,63}$/.test(name))
    throw usageError(`--name: "${name}" cannot be the name of an entry`, 'Letters, digits, - and _, 64 at most')
  const scope = given === 'user' || given === 'project' ? given : client.scope
  const file = await fileOf(deps, client, scope)
  if (file !== undefined) return { client, scope, name, file }
  throw usageError(`${client.label} has no ${scope} scope`, `Leave --scope out; it is ${client.scope}`)
}

/** The file of a scope as it is now: the first one that is there, or else the last; undefined where there is no such scope. */
export const fileOf = async (
  deps: Pick<Deps, 'env' | 'cwd' | 'platform'>,
  client: Client,
  scope: Scope,
): Promise<ClientFile | undefined> => {
  let file: ClientFile | undefined
  for (const path of client.files[scope]?.(surroundingsOf(deps)) ?? []) {
    file = await readClientFile(path)
    if (file.text !== undefined) break
  }
  return file
}

/** Where an entry stands in a file, and what it is; the entry is undefined where there is none. */
export const entryIn = ({ client, file, name }: Target): { readonly path: Path; readonly value: unknown } => {
  const { root } = openDocument(client.format, file.text ?? '', file.path)
  const path = [...client.entries(root), name]
  return { path, value: valueAt(root, path) }
}

/** Shows what will change. Answers whether to do it: a person at a terminal is asked, a script has said it already. */
export const isWanted = async (
  { out, input, prompt }: Deps,
  { client, file }: Target,
  { text, entry, written }: Planned,
  { yes, dryRun }: { readonly yes: boolean; readonly dryRun: boolean },
): Promise<boolean> => {
  const state = { file: file.path, format: client.format, entry }
  const diff = await preview({ ...state, text: file.text }, { ...state, text }, written)
  if (dryRun) {
    out.data(out.isTTY ? neutralText(diff) : diff)
    return false
  }
  out.note(diff.trimEnd())
  return yes || !canAsk({ out, input }) || (await prompt.confirm(`Change ${file.path}?`))
}

/** Writes the file; answers the folders that were made for it. */
export const write = ({ sleep }: Deps, { scope, file }: Target, text: string | undefined): Promise<readonly string[]> =>
  writeClientFile(file, text, modesOf(scope), sleep)

/** Files of the user hold secrets sooner or later; those of a project are for all who have the project. */
const modesOf = (scope: Scope): NewFileModes =>
  scope === 'user' ? { file: 0o600, folder: 0o700 } : { file: 0o666 & ~process.umask(), folder: 0o777 }

/** Exit code 1: the person said no. */
export const declined = (): CliError => new CliError('declined', 'nothing was changed')
