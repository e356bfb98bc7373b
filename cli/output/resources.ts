import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import type { Format } from './format.ts'
import { neutralLine, neutralText } from './neutral.ts'
import type { Output } from './output.ts'
import { cellsOf, table } from './table.ts'

/** What printing a kind needs of it. */
export type PrintedKind = Pick<KindDefinition, 'kind' | 'plural' | 'columns'>

/** Resources of one kind. */
export interface Group {
  readonly kind: PrintedKind
  readonly items: readonly Resource[]
}

interface PrintOptions {
  readonly format: Format
  readonly now: Date
  /** Print the resource itself instead of a list of one. */
  readonly single: boolean
}

/** Prints resources in any format, for every kind the same. */
export const printResources = async (out: Output, groups: readonly Group[], options: PrintOptions): Promise<void> => {
  const { format } = options
  const items = groups.flatMap((group) => group.items)
  switch (format.type) {
    case 'table':
      return printTables(out, groups, format.wide, options.now)
    case 'name':
      for (const { kind, metadata } of items) out.line(neutralLine(`${kind}/${metadata.name}`))
      return
    case 'json':
    case 'yaml': {
      const { inOrder, listOf, toJson, toYaml } = await import('./yaml.ts')
      const [only] = items
      const value = options.single && only !== undefined ? inOrder(only) : listOf(items)
      out.data(format.type === 'json' ? toJson(value) : toYaml(value))
      return
    }
    case 'jsonpath': {
      const { jsonpath } = await import('./jsonpath.ts')
      const [only] = items
      const text = jsonpath(format.template, options.single && only !== undefined ? only : { kind: 'List', items })
      out.data(out.isTTY ? neutralText(text) : text)
      if (out.isTTY) out.line()
      return
    }
  }
}

const printTables = (out: Output, groups: readonly Group[], wide: boolean, now: Date): void => {
  const filled = groups.filter(({ items }) => items.length > 0)
  for (const [i, { kind, items }] of filled.entries()) {
    if (i > 0) out.line()
    const rows = items.map((resource) => {
      const [name = '', ...others] = rowOf(kind, resource, wide, now)
      return [filled.length > 1 ? `${kind.kind}/${name}` : name, ...others]
    })
    out.data(table(headersOf(kind, wide), rows))
  }
  if (filled.length === 0) out.note(`No ${groups.map(({ kind }) => kind.plural).join(', ') || 'resources'} found`)
}

export const headersOf = (kind: PrintedKind, wide: boolean): readonly string[] =>
  columnsOf(kind, wide).map(({ header }) => header)

export const rowOf = (kind: PrintedKind, resource: Resource, wide: boolean, now: Date): readonly string[] =>
  cellsOf(columnsOf(kind, wide).map((column) => column.value(resource, now)))

const columnsOf = (kind: PrintedKind, wide: boolean) => kind.columns.filter((column) => wide || column.wide !== true)
