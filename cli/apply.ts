import { sameJson } from '../domain/kernel/same-json.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode } from './errors.ts'
import { errorText } from './main.ts'
import type { Declared } from './manifest/document.ts'
import { showPlace } from './manifest/document.ts'
import { isRefusal, refersToAny } from './manifest/references.ts'
import { fileOption } from './manifest/sources.ts'
import { parsedSpec, readManifests } from './manifest/validate.ts'
import { dryRunMark } from './output/dry-run.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: {
    filename: { ...fileOption, required: true },
    'dry-run': {
      type: 'string',
      choices: ['client', 'server'],
      bare: 'client',
      describe: 'Change nothing: client compares with what is there, server asks mcpd to decide',
    },
    output: { type: 'string', short: 'o', choices: ['name'], describe: 'Output: name prints kind/name only' },
  },
  examples: [
    ['$0 apply -f demo.yaml', 'create or change what the file declares'],
    ['$0 apply -f manifests/', 'every manifest of a folder, what others refer to first'],
    ['$0 get project demo -o yaml | sed s/demo/copy/ | $0 apply -f -', 'a copy of a project'],
    ['$0 apply -f demo.yaml --dry-run=server', 'what would happen'],
  ],
  epilogue:
    'All manifests are checked before anything is sent. If mcpd refuses one, the others are still applied and the exit code is 1.',
  async run(deps, { filename, 'dry-run': dryRun, output }) {
    const resources = await readManifests(filename, await deps.registry(), deps.input)
    let failed = 0
    for (const resource of resources) {
      const about = `${resource.kind.kind}/${resource.name}`
      try {
        const outcome = await applyOne(deps, resource, dryRun, resources)
        deps.out.line(output === 'name' ? about : `${about} ${outcome}${dryRunMark(dryRun)}`)
      } catch (error) {
        if (!(error instanceof CliError) || isFatal(error)) throw error
        failed += 1
        deps.out.note(errorText(located(error, resource)))
      }
    }
    return failed > 0 ? exitCode.failed : undefined
  },
})

type DryRun = string | undefined

const applyOne = async (deps: Deps, resource: Declared, dryRun: DryRun, all: readonly Declared[]): Promise<string> => {
  const { kind, name, labels, spec } = resource
  if (dryRun === 'client') return await compare(deps, resource)
  try {
    return (await deps.api.apply(kind, { name, labels, spec }, { dryRun: dryRun === 'server' })).outcome
  } catch (error) {
    if (dryRun === undefined || !(error instanceof CliError) || !isRefusal(error)) throw error
    if (!refersToAny(resource, all) || (await deps.api.find(kind, name)) !== undefined) throw error
    return 'created'
  }
}

/** Without asking mcpd to decide: what it would say as far as can be seen from here. A secret with values is never seen to be unchanged. */
const compare = async (deps: Deps, resource: Declared): Promise<string> => {
  const live = await deps.api.find(resource.kind, resource.name)
  if (live === undefined) return 'created'
  const same = sameJson(parsedSpec(resource), live.spec) && sameJson(resource.labels, live.metadata.labels ?? {})
  return same ? 'unchanged' : 'configured'
}

/** What the next resource would meet as well. */
const isFatal = ({ exit, status }: CliError): boolean =>
  exit === exitCode.unreachable || exit === exitCode.interrupted || status === 401

/** The server's complaint with the place of the resource, and of each field, in the manifest. */
const located = (error: CliError, resource: Declared): CliError =>
  new CliError(error.code, `${showPlace(resource.place)}: ${resource.kind.kind}/${resource.name}: ${error.message}`, {
    hint: error.hint,
    exit: error.exit,
    fields: error.fields.map(({ path, message }) => ({
      path: `${showPlace(resource.placeOf(path))}: ${path}`,
      message,
    })),
  })
