import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Resource } from '../../domain/kernel/resource.ts'
import { aligned, cellsOf } from '../output/table.ts'

/** Cells of a table by their headers, in lower case; empty ones are left out. */
export const columnsOf = (
  { columns }: KindDefinition,
  resource: Resource,
  now: Date,
  headers: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    columns
      .filter(({ header }) => headers.includes(header))
      .map((column) => [column.header.toLowerCase(), column.value(resource, now)])
      .filter(([, text]) => text !== ''),
  )

/** A table below its title. */
export const indented = (title: string, rows: readonly (readonly string[])[]): readonly string[] => {
  if (rows.length < 2) return [`${`${title}:`.padEnd(12)}<none>`]
  return [`${title}:`, ...aligned(rows.map(cellsOf)).map((line) => `  ${line}`)]
}
