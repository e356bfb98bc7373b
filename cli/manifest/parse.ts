import { type Document, isCollection, isMap, isNode, isScalar, LineCounter } from 'yaml'
import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { closest } from '../suggest.ts'
import type { Declared, Flaw, Place } from './document.ts'
import { documentsOf, MAX_DEPTH } from './documents.ts'
import type { Source } from './sources.ts'

/** The resources of a source and what is wrong with it. Nothing is thrown for what stands in a file. */
export interface Reading {
  readonly resources: readonly Declared[]
  readonly flaws: readonly Flaw[]
}

/**
 * Reads the documents of one file, YAML or JSON (which is YAML). A document is one resource (`kind`, `metadata`, `spec`), a list
 * (`kind: List` or `<Kind>List` with `items`), or grouped (`servers: [{ name, labels?, …spec }]`). Empty documents are skipped.
 */
export const parseSource = (source: Source, registry: Registry): Reading => {
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file: source.file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const documents = documentsOf(source.text, lines)
  if ('tooDeepAt' in documents)
    return flawed(place(documents.tooDeepAt), '', `is nested too deep: more than ${MAX_DEPTH} levels`)
  const readings = documents.map((document) => parseDocument(document, place, registry))
  return { resources: readings.flatMap((each) => each.resources), flaws: readings.flatMap((each) => each.flaws) }
}

type PlaceAt = (offset: number) => Place
type Path = readonly (string | number)[]

const parseDocument = (document: Document, place: PlaceAt, registry: Registry): Reading => {
  // A warning is about a tag or a directive that nobody knows: what it would have made of the value is not guessed.
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) return flawed(place(error.pos[0]), '', sentence(error.message))
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return { resources: [], flaws: [] }
  const at = (path: Path): Place => placeOf(document, path, place)
  if (!isMap(document.contents)) return flawed(at([]), '', 'must be a resource: an object with kind, metadata and spec')
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (problem) {
    return flawed(at([]), '', messageOf(problem))
  }
  return parseValue(value, [], at, registry)
}

const parseValue = (value: unknown, path: Path, at: (path: Path) => Place, registry: Registry): Reading => {
  if (!isObject(value)) return flawed(at(path), '', 'must be a resource: an object with kind, metadata and spec')
  if ('kind' in value || 'apiVersion' in value || 'metadata' in value) {
    if (typeof value.kind === 'string' && /List$/.test(value.kind) && 'items' in value) {
      if (!Array.isArray(value.items)) return flawed(at([...path, 'items']), 'items', 'must be a list')
      return join(value.items.map((item, i) => parseValue(item, [...path, 'items', i], at, registry)))
    }
    return parseResource(value, path, at, registry)
  }
  return join(Object.entries(value).map(([key, items]) => parseGroup(key, items, [...path, key], at, registry)))
}

const parseResource = (value: JsonObject, path: Path, at: (path: Path) => Place, registry: Registry): Reading => {
  const flaw = (below: Path, message: string) => flawed(at([...path, ...below]), below.join('.'), message)
  if (typeof value.kind !== 'string') return flaw(['kind'], 'is missing: which kind of resource this is')
  const kind = registry.find(value.kind)
  if (kind === undefined) return flaw(['kind'], unknownKind(value.kind, registry))
  if (value.apiVersion !== undefined && value.apiVersion !== 'mcpctl/v1')
    return flaw(['apiVersion'], `must be mcpctl/v1, not ${String(value.apiVersion)}`)
  const extra = Object.keys(value).find((key) => !['apiVersion', 'kind', 'metadata', 'spec', 'status'].includes(key))
  if (extra !== undefined)
    return flaw([extra], `is not a member of a resource${near(extra, ['metadata', 'spec', 'status', 'apiVersion'])}`)
  if (!isObject(value.metadata)) return flaw(['metadata'], 'is missing: an object with a name')
  if (typeof value.metadata.name !== 'string') return flaw(['metadata', 'name'], 'is missing: the name, as text')
  const { name, labels } = value.metadata
  if (labels !== undefined && labels !== null && !isObject(labels))
    return flaw(['metadata', 'labels'], 'must be an object of texts')
  const below = (field: string): Path => [...path, ...segments(field)]
  return {
    flaws: [],
    resources: [
      {
        kind,
        name,
        labels: texts(labels),
        spec: value.spec ?? {},
        place: at(path),
        placeOf: (field) => at(below(field)),
      },
    ],
  }
}

/** `servers: [{ name, labels, …spec }]`: members of metadata and of the spec side by side. */
const parseGroup = (
  key: string,
  items: unknown,
  path: Path,
  at: (path: Path) => Place,
  registry: Registry,
): Reading => {
  const kind = registry.find(key)
  if (kind === undefined) return flawed(at(path), key, `${unknownKind(key, registry)}, and the document has no "kind"`)
  if (!Array.isArray(items)) return flawed(at(path), key, `must be a list of ${kind.plural}`)
  return join(
    items.map((item, i): Reading => {
      const here = [...path, i]
      if (!isObject(item)) return flawed(at(here), `${key}.${i}`, 'must be an object with a name')
      const { name, labels, ...spec } = item
      if (typeof name !== 'string')
        return flawed(at([...here, 'name']), `${key}.${i}.name`, 'is missing: the name, as text')
      if (labels !== undefined && labels !== null && !isObject(labels))
        return flawed(at([...here, 'labels']), `${key}.${i}.labels`, 'must be an object of texts')
      const placeOfField = (field: string) => at([...here, ...segments(field.replace(/^(spec|metadata)(\.|$)/, ''))])
      return {
        flaws: [],
        resources: [{ kind, name, labels: texts(labels), spec, place: at(here), placeOf: placeOfField }],
      }
    }),
  )
}

/** Where the node at a path stands; a missing one is where the nearest node around it stands. Keys of maps are pointed at, not their values. */
const placeOf = (document: Document, path: Path, place: PlaceAt): Place => {
  for (let length = path.length; length > 0; length -= 1) {
    const key = path[length - 1]
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
      if (isNode(pair?.key) && pair.key.range) return place(pair.key.range[0])
    } else if (isCollection(parent)) {
      const node: unknown = parent.get(key, true)
      if (isNode(node) && node.range) return place(node.range[0])
    }
  }
  return place(document.contents?.range?.[0] ?? 0)
}

const segments = (path: string): Path =>
  path === '' ? [] : path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
const join = (readings: readonly Reading[]): Reading => ({
  resources: readings.flatMap((each) => each.resources),
  flaws: readings.flatMap((each) => each.flaws),
})
const flawed = (place: Place, path: string, message: string): Reading => ({
  resources: [],
  flaws: [{ place, path, message }],
})
/** Numbers and booleans stay what they are: that they are no texts is the schema's to say. */
const texts = (labels: unknown): Readonly<Record<string, string>> =>
  isObject(labels) ? (labels as Readonly<Record<string, string>>) : {}
const near = (typed: string, candidates: readonly string[]): string => {
  const candidate = closest(typed, candidates)
  return candidate === undefined ? '' : `; did you mean "${candidate}"?`
}
const unknownKind = (typed: string, registry: Registry): string =>
  `there is no kind "${typed}"${near(
    typed,
    registry.kinds.flatMap(({ kind, plural }) => [kind, plural]),
  )}`
const sentence = (message: string): string => message.replace(/\s+at line \d+, column \d+:?[\s\S]*$/, '').trim()
