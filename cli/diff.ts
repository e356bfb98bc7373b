import type { Resource } from '../domain/kernel/resource.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import { errorText } from './main.ts'
import { type Declared, showPlace } from './manifest/document.ts'
import { isRefusal, refersToAny } from './manifest/references.ts'
import { fileOption } from './manifest/sources.ts'
import { parsedSpec, readManifests } from './manifest/validate.ts'
import { defineVerb } from './verb.ts'

/** Worse than "differs": what `diff` exits with when it cannot say. */
const TROUBLE = 2

export default defineVerb({
  arguments: {},
  options: { filename: { ...fileOption, required: true } },
  examples: [
    ['$0 diff -f demo.yaml', 'what "apply -f demo.yaml" would change'],
    ['$0 diff -f manifests/ || echo drift', 'exit code 1 when something differs'],
  ],
  epilogue:
    'Exit codes: 0 no difference, 1 something differs, 2 or more it could not be found out. Secret values are never shown.',
  async run(deps, { filename }) {
    const resources = await readManifests(filename, await deps.registry(), deps.input).catch((error: unknown) => {
      // 1 means "differs" here.
      if (error instanceof CliError && error.exit === exitCode.failed) throw usageError(error.message, error.hint)
      throw error
    })
    let differs = false
    let failed = false
    for (const resource of resources) {
      try {
        const text = await difference(deps, resource, resources)
        differs ||= text !== ''
        deps.out.data(text)
      } catch (error) {
        if (!(error instanceof CliError) || error.exit > exitCode.failed) throw error
        failed = true
        deps.out.note(errorText(error))
      }
    }
    return failed ? TROUBLE : differs ? exitCode.failed : undefined
  },
})

/** A unified diff; '' when applying would change nothing. */
const difference = async (deps: Deps, resource: Declared, all: readonly Declared[]): Promise<string> => {
  const { kind, name } = resource
  const live = await deps.api.find(kind, name)
  const after = await afterApply(deps, resource, live, all)
  if (!after.changes) return ''
  const [{ createTwoFilesPatch, FILE_HEADERS_ONLY }, { toYaml }] = await Promise.all([
    import('diff'),
    import('./output/yaml.ts'),
  ])
  const before = live === undefined ? '' : toYaml(declaredPart(live))
  const text = toYaml(declaredPart(after.resource))
  const hidden = before === text ? '# values change; they are not shown\n' : ''
  const about = `${kind.kind}/${name}`
  const from = live === undefined ? '/dev/null' : `live/${about}`
  const options = { headerOptions: FILE_HEADERS_ONLY }
  return createTwoFilesPatch(from, `applied/${about}`, before, text + hidden, undefined, undefined, options)
}

const declaredPart = ({ apiVersion, kind, metadata, spec }: Resource) => ({
  apiVersion,
  kind,
  metadata: { name: metadata.name, labels: metadata.labels ?? {} },
  spec,
})

/** What mcpd says the resource would be. */
const afterApply = async (
  deps: Deps,
  resource: Declared,
  live: Resource | undefined,
  all: readonly Declared[],
): Promise<{ changes: boolean; resource: Resource }> => {
  const { kind, name, labels, spec } = resource
  const here = asDeclared(resource)
  try {
    const answer = await deps.api.apply(kind, { name, labels, spec }, { dryRun: true })
    return { changes: answer.outcome !== 'unchanged', resource: answer.resource ?? here }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // A new resource may refer to another one that the same manifests create: mcpd cannot try that out.
    if (live === undefined && isRefusal(error) && refersToAny(resource, all)) return { changes: true, resource: here }
    throw new CliError(error.code, `${showPlace(resource.place)}: ${kind.kind}/${name}: ${error.message}`, {
      hint: error.hint,
      fields: error.fields,
      exit: error.exit,
    })
  }
}

/** The resource as the manifest has it, defaults filled in and secrets hidden. */
const asDeclared = (resource: Declared): Resource => ({
  apiVersion: 'mcpctl/v1',
  kind: resource.kind.kind,
  metadata: { name: resource.name, labels: resource.labels },
  spec: resource.kind.present(parsedSpec(resource) as Resource['spec']),
})
