import { neutralLine } from './neutral.ts'

const GAP = '   '

/** A table as kubectl prints it: columns as wide as their widest cell and three spaces apart; an empty cell is `<none>`. */
export const table = (headers: readonly string[], rows: readonly (readonly string[])[]): string => {
  const layout = tableLayout(headers)
  const cells = rows.map(cellsOf)
  for (const row of cells) layout.fit(row)
  return [layout.line(headers), ...cells.map((row) => layout.line(row))].map((line) => `${line}\n`).join('')
}

/** Rows that come one after the other (`--watch`): columns only get wider. */
export const tableLayout = (headers: readonly string[]) => {
  const widths = headers.map(width)
  return {
    fit(row: readonly string[]): void {
      for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell))
    },
    line: (row: readonly string[]): string =>
      row
        .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell))))
        .join(GAP)
        .trimEnd(),
  }
}

/** What a row shows: safe for a terminal, `<none>` where there is nothing. */
export const cellsOf = (row: readonly string[]): readonly string[] =>
  row.map((cell) => (cell === '' ? '<none>' : neutralLine(cell)))

const width = (text: string): number => [...text].length
