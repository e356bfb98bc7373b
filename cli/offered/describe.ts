import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import type { Deps } from '../deps.ts'
import { outline } from '../output/outline.ts'
import { aligned, cellsOf } from '../output/table.ts'
import { branchesOf, itemOf, memberOf, namesOf, type Place, typesOf, typeText } from '../tool-arguments/schema.ts'
import { askOffered } from './ask.ts'
import { assertNone, type OtherFlags } from './get.ts'
import { hintsOf, type OfferedTarget } from './kinds.ts'

/** `describe tool/echo -p demo`: what it says of itself, and its arguments as a table. */
export const describeOffered = async (
  deps: Deps,
  targets: readonly OfferedTarget[],
  { project, ...flags }: { readonly project: string | undefined } & OtherFlags,
): Promise<undefined> => {
  assertNone(targets, flags)
  const items = (await askOffered(deps, project, targets)).flatMap((group) => group.items)
  if (items.length === 0) deps.out.note('Nothing found')
  for (const [i, item] of items.entries()) {
    if (i > 0) deps.out.line()
    for (const line of descriptionOf(item, project)) deps.out.line(line)
  }
}

const descriptionOf = (item: Resource, project: string | undefined): readonly string[] => {
  const { kind, metadata, spec, status } = item
  const { description, title, inputSchema, outputSchema, annotations, arguments: prompted, ...rest } = spec
  const head = outline({
    Name: metadata.name,
    Kind: kind,
    Project: project,
    Server: status?.server,
    Title: title ?? (isObject(annotations) ? annotations.title : undefined),
    Description: description,
    ...(kind === 'tool' ? { Hints: hintsOf(spec).join(', ') } : {}),
  })
  if (kind === 'tool')
    return [
      ...head,
      ...tableBelow('Arguments', isObject(inputSchema) ? memberRows(inputSchema) : []),
      ...(isObject(outputSchema) ? tableBelow('Output', memberRows(outputSchema)) : []),
      ...others(rest),
    ]
  if (kind === 'prompt') return [...head, ...tableBelow('Arguments', promptRows(prompted)), ...others(rest)]
  return [...head, ...others({ ...rest, ...(annotations === undefined ? {} : { annotations }) })]
}

/** Members that MCP, or a server, has beyond those. */
const others = (rest: JsonObject): readonly string[] => (Object.keys(rest).length === 0 ? [] : outline({ Other: rest }))

const HEADERS = ['NAME', 'TYPE', 'REQUIRED', 'DEFAULT', 'DESCRIPTION']

const tableBelow = (title: string, rows: readonly (readonly string[])[]): readonly string[] => {
  if (rows.length === 0) return [`${`${title}:`.padEnd(12)} <none>`]
  return [`${title}:`, ...aligned([HEADERS, ...rows].map(cellsOf)).map((line) => `  ${line}`)]
}

/** How deep members of members are shown; a schema may refer to itself. */
const MAX_DEPTH = 4
/** Most rows of one table. */
const MAX_ROWS = 200

/** One row a member, under the name that `--arg` takes: members of members by dots, those of a list's entries behind `[]`. */
const memberRows = (schema: JsonObject): readonly (readonly string[])[] => {
  const rows: (readonly string[])[] = []
  for (const row of rowsOf({ schema, root: schema }, '', 0)) {
    rows.push(row)
    if (rows.length >= MAX_ROWS) break
  }
  return rows
}

function* rowsOf(place: Place, above: string, depth: number): Generator<readonly string[]> {
  if (depth > MAX_DEPTH) return
  const branches = branchesOf(place)
  const required = branches.length === 1 && Array.isArray(branches[0]?.required) ? branches[0].required : []
  for (const name of namesOf(branches)) {
    const member = memberOf(branches, place.root, name)
    if (member === undefined) continue
    const own = branchesOf(member)
    const full = `${above}${name}`
    const { description, default: standard } = { ...own[0], ...(isObject(member.schema) ? member.schema : {}) }
    yield [
      full,
      typeText(member),
      required.includes(name) ? 'yes' : 'no',
      standard === undefined ? '-' : JSON.stringify(standard),
      typeof description === 'string' ? description : '-',
    ]
    const isList = typesOf(own).size === 1 && typesOf(own).has('array')
    yield* isList ? rowsOf(itemOf(own, place.root, 0), `${full}[].`, depth + 1) : rowsOf(member, `${full}.`, depth + 1)
  }
}

const promptRows = (given: unknown): readonly (readonly string[])[] =>
  (Array.isArray(given) ? given : [])
    .filter(isObject)
    .map(({ name, required, description }) => [
      typeof name === 'string' ? name : '-',
      'string',
      required === true ? 'yes' : 'no',
      '-',
      typeof description === 'string' ? description : '-',
    ])
