import type { ReactNode } from 'react'
import { cut } from '../../output/cells.ts'
import type { Entry } from '../filter.ts'
import { foldKey } from '../json-tree.ts'
import { clock, duration, place, size, summary } from '../message-text.ts'
import { Line, usePresses, useSize, Words } from './context.tsx'
import { FRAME_ROWS, type Hint, Pane } from './frame.tsx'
import { JSON_HINTS, JsonView } from './json-view.tsx'

interface MessageViewProps {
  readonly entry: Entry
  /** What the session's client calls itself. */
  readonly client: string
  /** The answer to this request, or the request of this answer. */
  readonly other: Entry | undefined
  readonly note: string
  onShow(entry: Entry): void
  onStep(by: number): void
  onReplay(): void
  onCurl(): void
  onBack(): void
}

/** One message in full. */
export const MessageView = (props: MessageViewProps): ReactNode => {
  const { entry, client, other, note, onShow, onStep, onReplay, onCurl, onBack } = props
  const { columns, rows } = useSize()
  const { at, session, id, ms, bytes, message, cut: beginning, outcome } = entry.record
  const { where, arrow } = place(entry)
  usePresses(2, (press) => {
    if (press.key === 'escape') onBack()
    else if (press.text === 'n') onStep(1)
    else if (press.text === 'N' || press.text === 'b') onStep(-1)
    else if (press.text === 'a') {
      if (other !== undefined) onShow(other)
    } else if (press.text === 'r') onReplay()
    else if (press.text === 'y') onCurl()
    else return false
    return true
  })
  const hints: readonly Hint[] = [
    ...JSON_HINTS,
    ['n b', 'next, before'],
    ...(other === undefined ? [] : [['a', outcome === undefined ? 'answer' : 'request'] as const]),
    ['r', 'replay'],
    ['y', 'curl'],
    ['esc', 'back'],
  ]
  const facts = [
    clock(at),
    `session ${session}${client === '' ? '' : ` (${client})`}`,
    `${where} ${arrow}`,
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(ms === undefined ? [] : [duration(ms)]),
    size(bytes),
  ]
  return (
    <Pane hints={hints} note={note}>
      <Line>
        <Words
          text={cut(summary(entry), columns)}
          tone={outcome === undefined || outcome === 'ok' ? 'strong' : 'bad'}
        />
      </Line>
      <Line>
        <Words text={facts.join('  ')} tone="quiet" />
      </Line>
      <Line>
        <Words
          text={
            beginning === undefined ? '' : `Too large to be shown whole: this is how it begins (${size(bytes)} in all)`
          }
          tone="warn"
        />
      </Line>
      <JsonView
        value={message ?? beginning}
        width={columns}
        height={rows - FRAME_ROWS - 3}
        layer={1}
        active={true}
        {...(beginning === undefined ? {} : { open: BEGINNING_OPEN })}
      />
    </Pane>
  )
}

const BEGINNING_OPEN = new Map([[foldKey([]), true]])
