import { field, nameColumn } from '../../domain/kernel/columns.ts'
import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { Column } from '../../domain/kernel/kind.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import { usageError } from '../errors.ts'
import { type McpListed, mcpLists } from '../mcp-client/lists.ts'
import type { PrintedKind } from '../output/resources.ts'
import { firstSentence } from '../tools.ts'

/**
 * What servers offer through a project, listed and described as kinds are. Nobody declares it and mcpd does not keep it: it is asked of
 * mcplocal, so it has names and columns of a kind, and nothing else of one.
 */
export interface OfferedKind extends PrintedKind {
  readonly kind: McpListed
  readonly shortNames: readonly string[]
}

const descriptionColumn: Column = { header: 'DESCRIPTION', value: ({ spec }) => firstSentence(spec.description) }
const serverColumn: Column = { header: 'SERVER', value: ({ status }) => textOf(status?.server) }

/** What a tool says that it does, in a word each: hints, as nobody has to keep to them. */
const HINTS = [
  ['readOnlyHint', 'read-only', ''],
  ['destructiveHint', 'destructive', ''],
  ['idempotentHint', 'idempotent', ''],
  ['openWorldHint', 'open-world', 'closed-world'],
] as const

export const hintsOf = ({ annotations }: JsonObject): readonly string[] =>
  HINTS.flatMap(([hint, yes, no]) => {
    const given = isObject(annotations) ? annotations[hint] : undefined
    return given === true ? [yes] : given === false && no !== '' ? [no] : []
  })

const argumentsColumn: Column = {
  header: 'ARGUMENTS',
  value: ({ spec }) => {
    if (Array.isArray(spec.arguments))
      return spec.arguments.map((each) => (isObject(each) ? textOf(each.name) : '')).join(',')
    const { properties } = isObject(spec.inputSchema) ? spec.inputSchema : {}
    return isObject(properties) ? Object.keys(properties).join(',') : ''
  },
}
const inWide = (column: Column): Column => ({ ...column, wide: true })

export const offeredKinds: readonly OfferedKind[] = [
  {
    kind: 'tool',
    plural: 'tools',
    shortNames: [],
    columns: [
      nameColumn,
      serverColumn,
      descriptionColumn,
      inWide(argumentsColumn),
      { header: 'HINTS', wide: true, value: ({ spec }) => hintsOf(spec).join(',') },
    ],
  },
  {
    kind: 'prompt',
    plural: 'prompts',
    shortNames: [],
    columns: [nameColumn, serverColumn, argumentsColumn, descriptionColumn],
  },
  {
    kind: 'resource',
    plural: 'resources',
    shortNames: [],
    columns: [
      { ...nameColumn, header: 'URI' },
      serverColumn,
      field('TITLE', 'spec.name'),
      field('TYPE', 'spec.mimeType'),
      inWide(field('SIZE', 'spec.size')),
      inWide(descriptionColumn),
    ],
  },
  {
    kind: 'resourcetemplate',
    plural: 'resourcetemplates',
    shortNames: [],
    columns: [
      { ...nameColumn, header: 'TEMPLATE' },
      serverColumn,
      field('TITLE', 'spec.name'),
      field('TYPE', 'spec.mimeType'),
      inWide(descriptionColumn),
    ],
  },
]

/** Without SERVER where nobody can tell. */
export const columnsFor = ({ columns }: OfferedKind, items: readonly Resource[]): readonly Column[] =>
  items.some(({ status }) => status?.server !== undefined) ? columns : columns.filter((each) => each !== serverColumn)

/** One item as a resource is shown: its name, what its server says of it, and which server that is. */
export const asResource = ({ kind }: OfferedKind, item: JsonObject, server: string | undefined): Resource => {
  const { key } = mcpLists[kind]
  const { [key]: name, ...spec } = item
  return {
    apiVersion: 'mcpctl/v1',
    kind,
    metadata: { name: textOf(name) },
    spec,
    ...(server === undefined ? {} : { status: { server } }),
  }
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** `-p` of verbs that show what is offered. */
export const projectOption = {
  type: 'string',
  short: 'p',
  describe: 'The project, for tools, prompts, resources and resourcetemplates',
  complete: { kind: 'project' },
} as const

/** @throws CliError `usage` where a project is named for what belongs to none */
export const assertNoProject = (project: string | undefined): void => {
  if (project !== undefined)
    throw usageError(
      `--project goes with ${offeredKinds.map(({ plural }) => plural).join(', ')} only`,
      'Example: mcpctl get tools -p demo',
    )
}

/** What words after a verb mean of what is offered; no names are all of a kind. */
export interface OfferedTarget {
  readonly kind: OfferedKind
  readonly names: readonly string[]
}

/**
 * The words after a verb, where the first is one of what is offered: `tools`, `tools,prompts`, `tool a b`, `tool/a resource/x://y`.
 * @returns undefined where it is not; a kind of mcpd's own comes first
 */
export const offeredTargets = (
  registry: Pick<Registry, 'find'>,
  words: readonly string[],
): readonly OfferedTarget[] | undefined => {
  const [first = '', ...rest] = words
  const begins = first.split(/[/,]/)[0] ?? ''
  if (registry.find(begins) !== undefined || findOffered(begins) === undefined) return undefined
  if (first.includes('/')) return words.map(slashed)
  const kinds = first.split(',').map(offered)
  if (kinds.length > 1 && rest.length > 0) throw usageError('names go with one kind')
  return kinds.map((kind) => ({ kind, names: rest }))
}

/** A name, and a URI too, may hold further slashes. */
const slashed = (word: string): OfferedTarget => {
  const at = word.indexOf('/')
  const name = word.slice(at + 1)
  if (at < 1 || name === '')
    throw usageError(`"${word}" is no KIND/NAME`, 'When one word is written as kind/name, all of them are')
  return { kind: offered(word.slice(0, at)), names: [name] }
}

export const findOffered = (word: string): OfferedKind | undefined =>
  offeredKinds.find(({ kind, plural, shortNames }) => [kind, plural, ...shortNames].includes(word.toLowerCase()))

const offered = (word: string): OfferedKind => {
  const kind = findOffered(word)
  if (kind !== undefined) return kind
  throw usageError(
    `${word} does not go together with what a project offers`,
    `Ask for ${offeredKinds.map(({ plural }) => plural).join(', ')} by themselves`,
  )
}
