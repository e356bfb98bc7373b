import { Box } from 'ink'
import type { ReactNode } from 'react'
import { cut } from '../../output/cells.ts'
import { Line, useSize, Words } from './context.tsx'

/** A key and what it does, for the footer. */
export type Hint = readonly [key: string, does: string]

/** Rows that header and footer take. */
export const FRAME_ROWS = 4

/** What every pane looks like: its lines, and at the bottom the keys that work in it. */
export const Pane = ({
  children,
  hints,
  note,
}: {
  children: ReactNode
  hints: readonly Hint[]
  note?: string | undefined
}): ReactNode => {
  const { columns, rows } = useSize()
  return (
    <>
      <Box flexDirection="column" height={Math.max(1, rows - FRAME_ROWS)} overflow="hidden">
        {children}
      </Box>
      <Line>
        <Words text={cut(note ?? '', columns)} tone="warn" />
      </Line>
      <Footer hints={hints} columns={columns} />
    </>
  )
}

/** As many hints as there is room for. */
const Footer = ({ hints, columns }: { hints: readonly Hint[]; columns: number }): ReactNode => {
  let left = columns
  const shown = hints.filter(([key, does]) => {
    left -= key.length + does.length + 3
    return left >= -2
  })
  return (
    <Line>
      {shown.flatMap(([key, does]) => [
        <Words key={`${key} key`} text={key} tone="strong" />,
        <Words key={key} text={` ${does}  `} tone="quiet" />,
      ])}
    </Line>
  )
}
