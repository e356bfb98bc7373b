import type { ReactNode } from 'react'
import { cut, widthOf } from '../../output/cells.ts'
import type { Backend, FeedState } from '../backend.ts'
import type { SessionState } from '../project-session.ts'
import { safeLine } from '../safe-text.ts'
import { Line, type Tone, Words } from './context.tsx'

interface HeaderProps {
  readonly backend: Backend
  readonly panes: readonly string[]
  readonly chosen: number
  readonly columns: number
}

/** Two lines: which project, how everything is; and the panes. */
export const Header = ({ backend, panes, chosen, columns }: HeaderProps): ReactNode => {
  const { text, tone } = stateOf(backend.session.state, backend.feed)
  const name = safeLine(backend.project)
  const sessions = [...backend.traffic.sessions.values()].filter(({ ended }) => !ended).length
  const ready = backend.servers.filter(({ state }) => state === 'ready').length
  const facts = `${ready}/${backend.servers.length} servers  ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`
  const room = columns - widthOf(` mcpctl  ${name}  ● `) - facts.length - 2
  return (
    <>
      <Line>
        <Words text=" mcpctl  " tone="quiet" />
        <Words text={name} tone="strong" />
        <Words text="  ● " tone={tone} />
        <Words text={cut(safeLine(text), Math.max(room, 12))} tone={tone} />
        <Words text={`  ${facts}`} tone="quiet" />
      </Line>
      <Line>
        {panes.map((pane, i) => (
          <Words
            key={pane}
            text={` ${i + 1} ${pane}${countOf(backend, i)} `}
            tone={i === chosen ? 'chosen' : 'quiet'}
          />
        ))}
      </Line>
    </>
  )
}

const stateOf = (session: SessionState, feed: FeedState): { readonly text: string; readonly tone: Tone } => {
  if (session.state === 'refused') return { text: session.reason, tone: 'bad' }
  if (feed.state === 'ended') return { text: feed.reason, tone: 'bad' }
  if (feed.state === 'away' || session.state === 'away') {
    const reason = feed.state === 'away' ? feed.reason : session.state === 'away' ? session.reason : ''
    return { text: `${reason}; trying again`, tone: 'bad' }
  }
  if (feed.state === 'mcpd-away')
    return { text: `mcplocal has lost mcpd (${feed.reason}); it tries again`, tone: 'warn' }
  if (feed.state === 'connecting' || session.state === 'connecting') return { text: 'connecting …', tone: 'warn' }
  return { text: 'live', tone: 'good' }
}

const countOf = ({ session: { lists }, traffic }: Backend, pane: number): string => {
  if (pane === 3) return ` ${traffic.entries.length}`
  const shown = pane === 0 ? [lists.tool] : pane === 1 ? [lists.prompt] : [lists.resource, lists.resourcetemplate]
  if (shown.some(({ state }) => state === 'failed')) return ' !'
  if (shown.some(({ state }) => state === 'loading')) return ' …'
  return ` ${shown.reduce((sum, list) => sum + (list.state === 'ready' ? list.items.length : 0), 0)}`
}
