import { widthOf } from './cells.ts'
import { neutralLine } from './neutral.ts'

const GAP = '   '

/** A table as kubectl prints it: columns as wide as their widest cell and three spaces apart; an empty cell is `<none>`. */
export const table = (headers: readonly string[], rows: readonly (readonly string[])[]): string =>
  aligned([headers, ...rows.map(cellsOf)])
    .map((line) => `${line}\n`)
    .join('')

/** The lines of rows that are all there. */
export const aligned = (rows: readonly (readonly string[])[]): readonly string[] => {
  const layout = tableLayout([])
  for (const row of rows) layout.fit(row)
  return rows.map(layout.line)
}

/** Rows that come one after the other (`--watch`): columns only get wider. */
export const tableLayout = (headers: readonly string[]) => {
  const widths = headers.map(widthOf)
  return {
    fit(row: readonly string[]): void {
      for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))
    },
    line: (row: readonly string[]): string =>
      row
        .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell))))
        .join(GAP)
        .trimEnd(),
  }
}

/** What a row shows: safe for a terminal, `<none>` where there is nothing. */
export const cellsOf = (row: readonly string[]): readonly string[] =>
  row.map((cell) => (cell === '' ? '<none>' : neutralLine(cell)))
