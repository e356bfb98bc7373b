import { labels, resourceName } from '../../domain/kernel/name.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { schemaFlaws } from '../../domain/kernel/schema-flaws.ts'
import type { Input } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import { type Declared, type Flaw, showFlaw, showPlace } from './document.ts'
import { parseSource } from './parse.ts'
import { readSources } from './sources.ts'

/** Most flaws that are printed. */
const MAX_SHOWN = 20

/**
 * Reads and checks all manifests before anything is sent: one wrong field in the last file, and nothing was changed.
 * @returns the resources in the order in which they are applied: what others refer to comes first
 * @throws CliError `bad-manifest` (exit code 2) with every flaw and where it stands
 */
export const readManifests = async (
  paths: readonly string[],
  registry: Registry,
  input: Input,
  options: { readonly specs: boolean } = { specs: true },
): Promise<readonly Declared[]> => {
  if (paths.length === 0)
    throw usageError('which manifests?', 'Name files or folders with -f; -f - reads standard input')
  const readings = (await readSources(paths, input)).map((source) => parseSource(source, registry))
  const resources = readings.flatMap((each) => each.resources)
  const flaws = [
    ...readings.flatMap((each) => each.flaws),
    ...(options.specs ? resources.flatMap(flawsOf) : []),
    ...twice(resources),
  ]
  if (flaws.length > 0) throw badManifests(flaws)
  if (resources.length === 0) throw new CliError('no-resources', `there is no resource in ${paths.join(', ')}`)
  return inOrder(resources, registry)
}

const badManifests = (flaws: readonly Flaw[]): CliError => {
  const shown = flaws.slice(0, MAX_SHOWN).map(showFlaw)
  const more = flaws.length > MAX_SHOWN ? [`and ${flaws.length - MAX_SHOWN} more`] : []
  const only = flaws.length === 1 ? shown[0] : undefined
  const text = only ?? [`${flaws.length} things are wrong; nothing was sent`, ...shown, ...more].join('\n  ')
  return new CliError('bad-manifest', text, { exit: exitCode.usage })
}

/** What the kind's own schema has to say, with the place of each field. */
export const flawsOf = (resource: Declared): readonly Flaw[] => {
  const about = `${resource.kind.kind}/${resource.name}`
  const flaw = (path: string, message: string): Flaw => ({ place: resource.placeOf(path), about, path, message })
  if (!resource.kind.declarable) return [flaw('', `${resource.kind.plural} are made by mcpd and cannot be declared`)]
  const parts = [
    { at: 'metadata.name', result: resourceName.safeParse(resource.name) },
    { at: 'metadata.labels', result: labels.safeParse(resource.labels) },
    { at: 'spec', result: resource.kind.spec.safeParse(resource.spec) },
  ]
  return parts.flatMap(({ at, result }) =>
    result.success
      ? []
      : result.error.issues
          .flatMap((issue) => schemaFlaws({ ...issue, path: [at, ...issue.path] }))
          .map(({ path, message }) => flaw(path, message)),
  )
}

const twice = (resources: readonly Declared[]): readonly Flaw[] => {
  const seen = new Map<string, Declared>()
  return resources.flatMap((resource) => {
    const about = `${resource.kind.kind}/${resource.name}`
    const first = seen.get(about)
    if (first === undefined) seen.set(about, resource)
    return first === undefined
      ? []
      : [{ place: resource.place, about, path: '', message: `stands in ${showPlace(first.place)}, too` }]
  })
}

/** By kind, in dependency order; within a kind as written. */
export const inOrder = (resources: readonly Declared[], registry: Registry): readonly Declared[] =>
  registry.kinds.flatMap((kind) => resources.filter((resource) => resource.kind.kind === kind.kind))

/** The spec as the schema reads it: defaults filled in. */
export const parsedSpec = (resource: Declared): unknown => {
  const result = resource.kind.spec.safeParse(resource.spec)
  return result.success ? result.data : resource.spec
}
