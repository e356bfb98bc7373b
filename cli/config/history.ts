import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import type { Config } from '../config-file.ts'
import { CliError } from '../errors.ts'

/** Changes of one entry that can be taken back. */
const MAX_CHANGES = 10

const change = z.strictObject({
  at: z.iso.datetime(),
  /** The entry, as its file holds it. */
  entry: z.array(z.string()).min(1),
  /** SHA-256 of the file's text; null where there was no file. */
  before: z.string().nullable(),
  after: z.string(),
  /** What makes the text before from the text after. It holds our entry's part of the file, and nothing of the others. */
  undo: z.array(z.strictObject({ at: z.int().min(0), remove: z.string(), insert: z.string() })),
  /** The text of the entry that stood there. */
  previous: z.string().nullable(),
  /** Folders that were made for the file, outermost first. */
  folders: z.array(z.string()),
})
export type RecordedChange = z.infer<typeof change>

const history = z.strictObject({ file: z.string(), name: z.string(), changes: z.array(change).max(MAX_CHANGES) })

/** What mcpctl has changed of one entry in one file, oldest first. */
export interface EntryHistory {
  readonly file: string
  readonly name: string
  readonly changes: readonly RecordedChange[]
}

/** @throws CliError `bad-history` for a file that is none; `cannot-read` */
export const readHistory = async (
  config: Pick<Config, 'folder'>,
  file: string,
  name: string,
): Promise<EntryHistory> => {
  const path = pathOf(config, file, name)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { file, name, changes: [] }
    throw unusable('cannot-read', path, error)
  }
  const parsed = history.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new CliError('bad-history', `${path} is no record of changes`, {
    hint: 'Remove it; what it held can then not be undone',
  })
}

/** Keeps a history, or removes it when nothing is left in it. Only this user can read it: an entry may hold secrets. @throws CliError `cannot-write` */
export const writeHistory = async (
  config: Pick<Config, 'folder'>,
  { file, name, changes }: EntryHistory,
): Promise<void> => {
  const path = pathOf(config, file, name)
  try {
    if (changes.length === 0) return await rm(path, { force: true })
    for (const folder of [config.folder, folderOf(config)]) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
    }
    const beside = `${path}.${process.pid}.tmp`
    const text = JSON.stringify({ file, name, changes: changes.slice(-MAX_CHANGES) }, null, 2)
    await writeFile(beside, `${text}\n`, { mode: 0o600 })
    await rename(beside, path)
  } catch (error) {
    throw unusable('cannot-write', path, error)
  }
}

/** Without the record, nothing is changed: it could not be undone. */
const unusable = (code: 'cannot-read' | 'cannot-write', path: string, error: unknown): CliError =>
  new CliError(code, `the record of changes ${path} cannot be used: ${messageOf(error)}`, {
    hint: "Make its folder one of yours, or choose another with MCPCTL_HOME; --print shows the client's entry",
    cause: error,
  })

/** By which a text is known again. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const folderOf = ({ folder }: Pick<Config, 'folder'>): string => join(folder, 'client-changes')

const pathOf = (config: Pick<Config, 'folder'>, file: string, name: string): string =>
  join(folderOf(config), `${hashOf(JSON.stringify([file, name])).slice(0, 32)}.json`)

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON is no history
  }
}
