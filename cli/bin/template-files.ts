import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readTemplateFolder } from '../../adapters/template-files/read-folder.ts'
import {
  declareTemplateFiles,
  type FileProblem,
  type FileTemplate,
  type FoundFile,
  type TemplateFilesDeps,
} from '../../commands/template-files.ts'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { template } from '../../domain/template/resource.ts'
import type { McpdConfig } from './mcpd-config.ts'

/** The files that mcpctl brings, and those of the user's folders. Never rejects. */
export const templateFilesOf = async ({ templateFolders }: McpdConfig): Promise<readonly FoundFile[]> => {
  const own = builtinFolder()
  const folders = [
    ...(own === undefined ? [] : [readTemplateFolder(own, { shownAs: 'builtin' })]),
    ...templateFolders.map((folder) => readTemplateFolder(folder)),
  ]
  return (await Promise.all(folders)).flat()
}

/** Sources and the build lie at different depths below it. */
const builtinFolder = (): string | undefined =>
  ['../../templates', '../../../templates']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path))

/** Whatever is wrong with the files, or goes wrong with them: mcpd starts. */
export const seedTemplates = async (
  deps: Omit<TemplateFilesDeps, 'parse' | 'kind'> & { readonly registry: Registry },
  files: Promise<readonly FoundFile[]>,
): Promise<void> => {
  try {
    await declareTemplateFiles(
      { ...deps, kind: template, parse: (text) => parseTemplate(text, deps.registry) },
      await files,
    )
  } catch (error) {
    deps.logger.error({ err: error }, 'the template files could not be taken in; the next start tries again')
  }
}

/** A file is what `mcpctl apply -f` would take: one template. The parser is loaded when a file is new or changed. */
export const parseTemplate = async (text: string, registry: Registry): Promise<FileTemplate | FileProblem> => {
  try {
    const [{ parseSource }, { flawsOf, parsedSpec }] = await Promise.all([
      import('../manifest/parse.ts'),
      import('../manifest/validate.ts'),
    ])
    const { resources, flaws } = parseSource({ file: '', text }, registry)
    const [resource, second] = resources
    const all = [...flaws, ...resources.flatMap(flawsOf)]
    // A field that is misspelt is missing as well: the spelling says more.
    const flaw = all.find(({ message }) => message === 'there is no such field') ?? all[0]
    if (flaw !== undefined) return { field: flaw.path, reason: `${flaw.message} (line ${flaw.place.line})` }
    if (resource === undefined) return { reason: 'holds no template' }
    if (resource.kind.kind !== template.kind)
      return { field: 'kind', reason: `must be template, not ${resource.kind.kind}` }
    if (second !== undefined) return { reason: 'holds more than one resource: a file is one template' }
    return { name: resource.name, labels: resource.labels, spec: parsedSpec(resource) as JsonObject }
  } catch (error) {
    return { reason: `cannot be read: ${messageOf(error)}` }
  }
}
