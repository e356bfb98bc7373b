import type { Deps } from '../deps.ts'
import { CliError } from '../errors.ts'
import { removeFolders } from './client-file.ts'
import { valueAt } from './document/document.ts'
import { applied } from './document/edit.ts'
import { openDocument, putEntry, removeEntry } from './document/open.ts'
import { hashOf, type RecordedChange, readHistory, writeHistory } from './history.ts'
import { declined, isWanted, type Target, write } from './target.ts'

/** What undoing makes of the file. */
interface Undone {
  readonly text: string | undefined
  readonly outcome: string
}

/**
 * Takes back the last change of an entry. A file that is still as that change left it becomes what it was before, to the byte;
 * in any other, only the entry is removed, or what stood there before put back.
 * @throws CliError `nothing-to-undo`
 */
export const undo = async (
  deps: Deps,
  target: Target,
  how: { readonly yes: boolean; readonly dryRun: boolean },
): Promise<undefined> => {
  const { client, file, name } = target
  const history = await readHistory(deps.config, file.path, name)
  const last = history.changes.at(-1)
  if (last === undefined)
    throw new CliError('nothing-to-undo', `mcpctl has changed no entry "${name}" in ${file.path}`, {
      hint: '"mcpctl config list" shows the entries; --scope and --name say which one is meant',
    })
  const { text, outcome } = exactly(target, last) ?? entryOnly(target, last)
  if (text !== file.text) {
    const wanted = await isWanted(deps, target, { text, entry: last.entry, written: undefined }, how)
    if (how.dryRun) return void deps.out.note(`${client.name}: ${name} would be ${outcome} (dry run)`)
    if (!wanted) throw declined()
    await write(deps, target, text)
    if (text === undefined) await removeFolders(last.folders)
  }
  if (!how.dryRun) await writeHistory(deps.config, { ...history, changes: history.changes.slice(0, -1) })
  deps.out.line(`${client.name}: ${name} ${outcome} in ${file.path}`)
  return undefined
}

const exactly = ({ file }: Target, { before, after, undo: edits }: RecordedChange): Undone | undefined => {
  if (file.text === undefined || hashOf(file.text) !== after) return undefined
  if (before === null) return { text: undefined, outcome: 'undone' }
  const text = applied(file.text, edits)
  return text !== undefined && hashOf(text) === before ? { text, outcome: 'undone' } : undefined
}

const entryOnly = ({ client, file }: Target, { entry, previous }: RecordedChange): Undone => {
  if (file.text === undefined) return { text: undefined, outcome: 'already gone' }
  const source = { format: client.format, file: file.path, text: file.text }
  if (previous !== null)
    return { text: putEntry(source, entry, { source: previous }).text, outcome: 'put back as it was before' }
  const present = valueAt(openDocument(client.format, file.text, file.path).root, entry)
  if (present === undefined) return { text: file.text, outcome: 'already gone' }
  return { text: removeEntry(source, entry).text, outcome: 'removed' }
}
