import type { ReactNode } from 'react'
import { pad } from '../../output/cells.ts'
import { type Entry, isFailed } from '../filter.ts'
import { clock, duration, place, size, summary } from '../message-text.ts'
import { Line, Words } from './context.tsx'

/** Widths of the columns, in cells. */
export interface Layout {
  readonly session: number
  readonly where: number
  readonly summary: number
}

const TIME = 12
const TOOK = 7
const SIZE = 6
/** Spaces between columns, the mark of a session and the arrow. */
const BETWEEN = 1 + 2 + 3 + 1 + 1

export const columnsOf = (columns: number): Layout => {
  const session = columns >= 100 ? 8 : 5
  const where = columns >= 110 ? 20 : 10
  return { session, where, summary: Math.max(8, columns - TIME - session - where - TOOK - SIZE - BETWEEN) }
}

export const HeaderRow = ({ layout }: { layout: Layout }): ReactNode => (
  <Line>
    <Words
      text={[
        pad('TIME', TIME + 1),
        pad(layout.session < 8 ? 'SESS' : 'SESSION', layout.session + 2),
        pad('SIDE', layout.where + 3),
        pad('MESSAGE', layout.summary),
        'TOOK'.padStart(TOOK + 1),
        'SIZE'.padStart(SIZE + 1),
      ].join('')}
      tone="quiet"
    />
  </Line>
)

interface EntryRowProps {
  readonly entry: Entry
  readonly layout: Layout
  /** The console's own session. */
  readonly own: string
  readonly ended: boolean
  readonly chosen: boolean
}

export const EntryRow = ({ entry, layout, own, ended, chosen }: EntryRowProps): ReactNode => {
  const { at, session, side, direction, ms, bytes, outcome } = entry.record
  const { where, arrow } = place(entry)
  const time = `${clock(at)} `
  const mark = ended ? '×' : session === own ? '*' : ' '
  const who = `${pad(session.slice(0, layout.session), layout.session)}${mark} `
  const passed = `${pad(where, layout.where)} ${arrow} `
  const what = pad(summary(entry), layout.summary)
  const numbers = ` ${duration(ms).padStart(TOOK)} ${size(bytes).padStart(SIZE)}`
  if (chosen)
    return (
      <Line>
        <Words text={time + who + passed + what + numbers} tone="chosen" />
      </Line>
    )
  return (
    <Line>
      <Words text={time} tone="quiet" />
      <Words text={who} tone={ended ? 'quiet' : 'plain'} />
      <Words text={passed} tone={side === 'client' ? 'accent' : 'warn'} />
      <Words
        text={what}
        tone={isFailed(entry) ? 'bad' : outcome === undefined && direction === 'to-server' ? 'plain' : 'quiet'}
      />
      <Words text={numbers} tone="quiet" />
    </Line>
  )
}
