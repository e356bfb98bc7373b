import { readFile } from 'node:fs/promises'
import { messageOf } from '../domain/kernel/errors.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import { keyValue, type SpecFlags, specFlags } from './create/flags.ts'
import type { Base } from './create/from-template.ts'
import { ownFlags } from './create/own-flags.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import type { Declared } from './manifest/document.ts'
import { flawsOf } from './manifest/validate.ts'
import { dryRunMark } from './output/dry-run.ts'
import { formatOf, outputOption } from './output/format.ts'
import { printResources } from './output/resources.ts'
import { findKind } from './targets.ts'
import { defineVerb, type ExtraValues, type Options } from './verb.ts'

const options = {
  label: { type: 'string', many: true, describe: 'Label: K=V' },
  set: { type: 'string', many: true, describe: 'Any field of the spec: path=value, the value as YAML' },
  'spec-file': {
    type: 'string',
    describe: 'The spec from a YAML or JSON file (- is standard input); flags come on top',
    complete: 'file',
  },
  'from-template': {
    type: 'string',
    describe: 'Begin with a template; what it still needs is asked for (servers only)',
    complete: { kind: 'template' },
  },
  'dry-run': {
    type: 'string',
    choices: ['client', 'server'],
    bare: 'client',
    describe: 'Create nothing; with -o yaml: print the manifest',
  },
  output: outputOption,
} as const satisfies Options

export default defineVerb({
  arguments: {
    kind: { describe: 'What to create', required: true, complete: 'kind' },
    name: { describe: 'Its name', required: true },
    args: { describe: 'After --: arguments of the program, for kinds that have some', many: true },
  },
  options,
  examples: [
    ['$0 create server everything --package @modelcontextprotocol/server-everything', 'a server from npm'],
    ['$0 create server gitea --from-template gitea', 'from a template, which asks for what it needs'],
    ['$0 create secret github --prompt token', 'asks for the value, without echo'],
    ['$0 create project demo --server everything', 'an endpoint for it'],
    ['$0 create server x --package y --dry-run=client -o yaml', 'a manifest to begin with'],
    ['$0 create KIND NAME --set field=value', 'any kind'],
  ],
  epilogue: '"mcpctl create KIND --help" lists the flags of a kind.',
  async extra(deps, word) {
    if (word === undefined) return { options: {}, examples: [] }
    const kind = findKind(await deps.registry(), word)
    const own = ownFlags(kind.kind)
    return { options: { ...fromSchema(kind), ...own.options }, examples: own.examples }
  },
  async run(deps, values, extra) {
    const kind = findKind(await deps.registry(), values.kind)
    if (!kind.declarable) throw usageError(`${kind.plural} are made by mcpd and cannot be created`)
    const format = values.output === undefined ? undefined : formatOf(values.output)
    const base = await baseOf(deps, kind, values, extra)
    const spec = await specOf(deps, kind, { ...values, base }, extra)
    const labels = { ...base.labels, ...Object.fromEntries(values.label.map((each) => keyValue('--label', each))) }
    check({ kind, name: values.name, labels, spec })
    const manifest = { name: values.name, labels, spec }
    const dryRun = values['dry-run']
    const create = () => deps.api.create(kind, manifest, { dryRun: dryRun === 'server' })
    const answer = dryRun === 'client' ? undefined : await (base.around?.(create) ?? create())
    if (format === undefined) {
      deps.out.line(`${kind.kind}/${values.name} created${dryRunMark(dryRun)}`)
    } else {
      const item = answer?.resource ?? asManifest(kind, manifest)
      await printResources(deps.out, [{ kind, items: [item] }], { format, now: deps.now(), single: true })
    }
    if (dryRun === undefined) await ownFlags(kind.kind).after?.(deps, values.name, extra)
    return undefined
  },
})

/** The schema's flags, without those that the kind has in another form and those that every `create` has. */
const flagsOf = (kind: KindDefinition): SpecFlags => {
  const taken = [...Object.keys(options), ...ownFlags(kind.kind).instead, ...Object.keys(ownFlags(kind.kind).options)]
  return Object.fromEntries(Object.entries(specFlags(kind)).filter(([name]) => !taken.includes(name)))
}

const fromSchema = (kind: KindDefinition): Options =>
  Object.fromEntries(Object.entries(flagsOf(kind)).map(([name, { option }]) => [name, option]))

interface Given {
  readonly args: readonly string[]
  readonly set: readonly string[]
  readonly 'spec-file': string | undefined
  readonly base: Base
}

/** What the flags come on top of. */
const baseOf = async (
  deps: Deps,
  kind: KindDefinition,
  given: {
    name: string
    'from-template': string | undefined
    'spec-file': string | undefined
    'dry-run': string | undefined
  },
  extra: ExtraValues,
): Promise<Base> => {
  const template = given['from-template']
  if (template !== undefined) {
    if (kind.kind !== 'server') throw usageError('--from-template goes with servers only')
    if (given['spec-file'] !== undefined) throw usageError('--from-template and --spec-file: one of them, please')
    const { fromTemplate } = await import('./create/from-template.ts')
    return await fromTemplate(deps, { template, server: given.name, dryRun: given['dry-run'] }, extra)
  }
  return { spec: given['spec-file'] === undefined ? {} : await specFromFile(deps, given['spec-file']) }
}

const specOf = async (deps: Deps, kind: KindDefinition, given: Given, extra: ExtraValues): Promise<unknown> => {
  let spec: Record<string, unknown> = { ...given.base.spec }
  for (const [name, flag] of Object.entries(flagsOf(kind))) {
    const value = extra[name]
    // A switch that was not given says nothing about the field.
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue
    spec[flag.field] = flag.value(value, spec[flag.field])
  }
  if (given.args.length > 0) {
    if (!('arg' in flagsOf(kind)))
      throw usageError(`create ${kind.kind} does not know what to do with "${given.args[0]}"`)
    spec.args = [...(Array.isArray(spec.args) ? spec.args : []), ...given.args]
  }
  // A secret whose values are in the file needs none from flags.
  const own =
    given['spec-file'] !== undefined && !anyGiven(extra, ownFlags(kind.kind).options)
      ? {}
      : await ownFlags(kind.kind).spec(deps, extra)
  spec = { ...spec, ...own, ...given.base.fixed }
  if (given.set.length > 0) {
    const { setPath } = await import('./create/set.ts')
    for (const each of given.set) spec = setPath(spec, each)
  }
  return spec
}

const anyGiven = (extra: ExtraValues, among: Options): boolean =>
  Object.keys(among).some((name) => {
    const value = extra[name]
    return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
  })

const specFromFile = async ({ input }: Deps, path: string): Promise<Record<string, unknown>> => {
  const { parse } = await import('yaml')
  try {
    const value: unknown = parse(path === '-' ? await input.text() : await readFile(path, 'utf8'), { merge: true })
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is no object')
    return { ...value }
  } catch (error) {
    // Only the first line: what follows it shows the text, which may hold a secret.
    const reason = messageOf(error).split('\n')[0]
    throw new CliError('bad-manifest', `--spec-file ${path}: ${reason}`, { exit: exitCode.usage })
  }
}

const check = (resource: Omit<Declared, 'place' | 'placeOf'>): void => {
  const nowhere = { file: '', line: 0, column: 0 }
  const flaws = flawsOf({ ...resource, place: nowhere, placeOf: () => nowhere })
  if (flaws.length === 0) return
  const fields = flaws.map(({ path, message }) => ({ path: path.replace(/^metadata\./, ''), message }))
  throw new CliError('usage', `${resource.kind.kind}/${resource.name} cannot be created like this`, {
    fields,
    exit: exitCode.usage,
    hint: `"mcpctl create ${resource.kind.kind} --help" lists the flags, "mcpctl explain ${resource.kind.kind}" the fields`,
  })
}

const asManifest = (
  kind: KindDefinition,
  { name, labels, spec }: { name: string; labels: Record<string, string>; spec: unknown },
): Resource => ({
  apiVersion: 'mcpctl/v1',
  kind: kind.kind,
  metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
  spec: kind.present(spec as Resource['spec']),
})
