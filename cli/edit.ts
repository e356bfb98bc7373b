import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Resource } from '../domain/kernel/resource.ts'
import type { Deps } from './deps.ts'
import { CliError, usageError } from './errors.ts'
import { type Declared, type Flaw, showFlaw } from './manifest/document.ts'
import { parseSource } from './manifest/parse.ts'
import { flawsOf } from './manifest/validate.ts'
import { toYaml } from './output/yaml.ts'
import { getTarget, parseTarget, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    target: { describe: 'KIND/NAME, or KIND NAME', required: true, many: true, complete: 'target' },
  },
  options: {},
  examples: [
    ['$0 edit server/github', 'in $VISUAL, $EDITOR or vi'],
    ['EDITOR="code --wait" $0 edit project demo', 'in an editor of your choice'],
  ],
  epilogue:
    'What someone else changed meanwhile is not overwritten. When saving fails, your text is kept in a file, and the error says where. Secret values are not shown: null keeps one, a text replaces it.',
  async run(deps, { target: words }) {
    const target = parseTarget(await deps.registry(), words)
    if (!target.kind.declarable) throw usageError(`${target.kind.plural} are made by mcpd and cannot be edited`)
    const resource = await getTarget(deps.api, target)
    const folder = await mkdtemp(join(tmpdir(), 'mcpctl-edit-'))
    const file = join(folder, `${target.kind.kind}-${target.name}.yaml`)
    const before = textOf(target, resource)
    await writeFile(file, before, { mode: 0o600 })
    let keep = true
    try {
      await openEditor(deps, file)
      const after = await readFile(file, 'utf8').catch((error: unknown) => {
        throw new CliError('edit-lost', `the edited file cannot be read: ${String(error)}`, {
          hint: 'Nothing was changed',
        })
      })
      if (after === before) {
        keep = false
        deps.out.note('Edit cancelled, no changes made.')
        return undefined
      }
      const { outcome } = await save(deps, target, resource, file, after)
      keep = false
      deps.out.line(`${target.kind.kind}/${target.name} ${outcome === 'configured' ? 'edited' : outcome}`)
      return undefined
    } catch (error) {
      throw error instanceof CliError ? kept(error, file) : error
    } finally {
      if (!keep) await rm(folder, { recursive: true, force: true })
    }
  },
})

const textOf = ({ kind, name }: Target, { apiVersion, metadata, spec }: Resource): string =>
  `# ${kind.kind}/${name} at revision ${metadata.revision ?? '?'}. Save and leave the editor to change it; leave it as it is to cancel.\n${toYaml(
    { apiVersion, kind: kind.kind, metadata: { name, labels: metadata.labels ?? {} }, spec },
  )}`

/** `$EDITOR` is a line for the shell, as git takes it: `code --wait`, or a path in quotes. */
const openEditor = async ({ env, execute, platform }: Deps, file: string): Promise<void> => {
  const given = [env.VISUAL, env.EDITOR].find((each) => each !== undefined && each.trim() !== '')
  const editor = given ?? (platform === 'win32' ? 'notepad' : 'vi')
  const code =
    platform === 'win32' ? await execute(editor, [file]) : await execute('sh', ['-c', `${editor} "$@"`, editor, file])
  if (code !== 0) throw new CliError('editor-failed', `${editor} ended with code ${code}`)
}

const save = async ({ api, registry }: Deps, target: Target, resource: Resource, file: string, text: string) => {
  const { resources, flaws } = parseSource({ file, text }, await registry())
  const [edited, second] = resources
  const all = [...flaws, ...resources.flatMap(flawsOf), ...(edited === undefined ? [] : renamed(target, edited))]
  if (all.length > 0) throw new CliError('bad-manifest', ['this cannot be saved', ...all.map(showFlaw)].join('\n  '))
  if (edited === undefined || second !== undefined)
    throw new CliError('bad-manifest', `the file must hold exactly one resource`)
  const { name, labels, spec } = edited
  return await api.apply(target.kind, { name, labels, spec }, { ifMatch: resource.metadata.revision })
}

const renamed = ({ kind, name }: Target, edited: Declared): readonly Flaw[] => [
  ...(edited.kind.kind === kind.kind
    ? []
    : [{ place: edited.placeOf('kind'), path: 'kind', message: `must stay ${kind.kind}` }]),
  ...(edited.name === name
    ? []
    : [
        {
          place: edited.placeOf('metadata.name'),
          path: 'metadata.name',
          message: `must stay ${name}; "apply" makes a copy`,
        },
      ]),
]

const kept = (error: CliError, file: string): CliError =>
  new CliError(error.code, `${error.message}\nYour text is kept in ${file}`, {
    hint: error.hint ?? `Mend it and run: mcpctl apply -f ${file}`,
    fields: error.fields,
    exit: error.exit,
  })
