import type { ReactNode } from 'react'
import { useMemo, useState } from 'react'
import type { Backend } from '../backend.ts'
import { curlScript, type Repeatable, repeatable } from '../curl.ts'
import { type Entry, isFailed, parseFilter } from '../filter.ts'
import { isReadOnly } from '../items.ts'
import { counterpart } from '../traffic.ts'
import { AnswerView } from './answer-view.tsx'
import { Line, Rows, usePresses, useSize, Words } from './context.tsx'
import { CurlDialog, ReplayDialog } from './dialogs.tsx'
import { FRAME_ROWS, type Hint, Pane } from './frame.tsx'
import { MessageView } from './message-view.tsx'
import { moved, useWindow } from './scrolling.ts'
import { type Edited, edit, edited, TextInput } from './text-input.tsx'
import { columnsOf, EntryRow, HeaderRow } from './traffic-rows.tsx'

interface TrafficPaneProps {
  readonly backend: Backend
  readonly active: boolean
  readonly initialFilter: string
  copy(text: string): boolean
  save(text: string): Promise<string>
}

const HINTS: readonly Hint[] = [
  ['enter', 'look into'],
  ['/', 'filter'],
  ['e', 'errors'],
  ['space', 'pause'],
  ['r', 'replay'],
  ['y', 'curl'],
  ['?', 'help'],
  ['q', 'quit'],
]

/** What lies over the list. */
type Over =
  | { readonly view: 'message'; readonly entry: Entry }
  | { readonly view: 'replay' | 'answer'; readonly request: Repeatable; readonly back: Over | undefined }
  | { readonly view: 'curl'; readonly script: string; readonly back: Over | undefined }

/** The messages of all sessions, as they pass. */
export const TrafficPane = ({ backend, active, initialFilter, copy, save }: TrafficPaneProps): ReactNode => {
  const { columns, rows } = useSize()
  const [filter, setFilter] = useState<Edited>(edited(initialFilter))
  const [filtering, setFiltering] = useState(false)
  const [errorsOnly, setErrorsOnly] = useState(false)
  const [paused, setPaused] = useState<readonly Entry[]>()
  // Undefined: the newest, whichever that is.
  const [chosen, setChosen] = useState<Entry>()
  const [over, setOver] = useState<Over>()
  const [note, setNote] = useState('')

  const all = paused ?? backend.traffic.entries
  const shown = useMemo(() => {
    const wanted = parseFilter(filter.text)
    return filter.text === '' && !errorsOnly
      ? all
      : all.filter((each) => wanted(each) && (!errorsOnly || isFailed(each)))
  }, [all, filter.text, errorsOnly])
  const status = statusText(backend, paused, errorsOnly)
  const listRows = Math.max(1, rows - FRAME_ROWS - 2)
  const found = chosen === undefined ? -1 : shown.indexOf(chosen)
  const at = found >= 0 ? found : shown.length - 1
  const top = useWindow(shown.length, listRows, at)
  const entry = shown[at]

  const choose = (i: number): void => setChosen(i >= shown.length - 1 ? undefined : shown[i])
  const act = (about: Entry, next: (request: Repeatable) => void): void => {
    const request = repeatable(about)
    if (typeof request === 'string') setNote(request)
    else next(request)
  }
  const replay = (about: Entry, back?: Over): void =>
    act(about, (request) => setOver({ view: isHarmless(backend, request) ? 'answer' : 'replay', request, back }))
  const curl = (about: Entry, back?: Over): void =>
    act(about, (request) => setOver({ view: 'curl', script: curlScript(backend.session.endpoint, request), back }))

  usePresses(
    1,
    (press) => {
      setNote('')
      const to = moved(press, at, shown.length, listRows)
      if (to !== undefined) choose(to)
      else if (press.key === 'enter' && entry !== undefined) setOver({ view: 'message', entry })
      else if (press.text === '/' || press.text === 'f') setFiltering(true)
      else if (press.key === 'escape' && (filter.text !== '' || errorsOnly)) {
        setFilter(edited(''))
        setErrorsOnly(false)
      } else if (press.text === 'e') setErrorsOnly(!errorsOnly)
      else if (press.text === ' ' || press.text === 'p')
        setPaused(paused === undefined ? backend.traffic.entries : undefined)
      else if (press.text === 'c') {
        backend.traffic.clear()
        setPaused(undefined)
        setChosen(undefined)
      } else if (press.text === 'r' && entry !== undefined) replay(entry)
      else if (press.text === 'y' && entry !== undefined) curl(entry)
      else return false
      return true
    },
    { active: active && over === undefined && !filtering },
  )
  usePresses(
    2,
    (press) => {
      if (press.key === 'escape') setFilter(edited(''))
      if (press.key === 'escape' || press.key === 'enter') setFiltering(false)
      else setFilter(edit(filter, press) ?? filter)
      return true
    },
    { active: active && filtering, typing: true },
  )

  const step = (from: Entry, by: number): Entry | undefined => {
    const next = shown[shown.indexOf(from) + by]
    if (next !== undefined) setChosen(next)
    return next
  }

  if (!active) return null
  if (over?.view === 'message')
    return (
      <MessageView
        key={`${over.entry.record.session} ${over.entry.record.seq}`}
        entry={over.entry}
        client={backend.traffic.sessions.get(over.entry.record.session)?.client ?? ''}
        other={counterpart(all, over.entry)}
        note={note}
        onShow={(next) => {
          setChosen(next)
          setOver({ view: 'message', entry: next })
        }}
        onStep={(by) => {
          const next = step(over.entry, by)
          if (next !== undefined) setOver({ view: 'message', entry: next })
        }}
        onReplay={() => replay(over.entry, over)}
        onCurl={() => curl(over.entry, over)}
        onBack={() => setOver(undefined)}
      />
    )
  if (over?.view === 'replay')
    return (
      <ReplayDialog
        request={over.request}
        onConfirm={() => setOver({ ...over, view: 'answer' })}
        onBack={() => setOver(over.back)}
      />
    )
  if (over?.view === 'answer')
    return (
      <AnswerView
        title={`replay of ${over.request.method}`}
        active={true}
        request={() => backend.session.request(over.request.method, over.request.params)}
        onBack={() => setOver(over.back)}
      />
    )
  if (over?.view === 'curl')
    return <CurlDialog script={over.script} copy={copy} save={save} onBack={() => setOver(over.back)} />

  const layout = columnsOf(columns)
  const own = backend.session.state.state === 'ready' ? backend.session.state.session : ''
  return (
    <Pane hints={HINTS} note={note}>
      <Line>
        <Words text="filter " tone="quiet" />
        {filtering ? (
          <TextInput value={filter} width={columns - 40} />
        ) : (
          <Words text={filter.text === '' ? '(none)' : filter.text} />
        )}
        <Words text={`  ${shown.length === all.length ? '' : `${shown.length} of `}${all.length}`} tone="quiet" />
        <Words text={status} tone="warn" />
      </Line>
      <HeaderRow layout={layout} />
      <Rows
        of={shown.slice(top, top + listRows)}
        row={(each, i) => (
          <EntryRow
            entry={each}
            layout={layout}
            own={own}
            ended={backend.traffic.sessions.get(each.record.session)?.ended === true}
            chosen={top + i === at}
          />
        )}
      />
      {shown.length === 0 && (
        <Line>
          <Words
            text={all.length === 0 ? ' Nothing has passed yet: call a tool here, or from an agent' : ' Nothing matches'}
            tone="quiet"
          />
        </Line>
      )}
    </Pane>
  )
}

const statusText = ({ traffic }: Backend, paused: readonly Entry[] | undefined, errorsOnly: boolean): string => {
  const words: string[] = []
  if (errorsOnly) words.push('errors only')
  if (paused !== undefined) {
    const last = paused.at(-1)
    const since =
      last === undefined ? traffic.entries.length : traffic.entries.length - 1 - traffic.entries.indexOf(last)
    words.push(`paused, ${since} more since`)
  }
  if (traffic.lost > 0) words.push(`${traffic.lost} lost`)
  return words.length === 0 ? '' : `  ${words.join(', ')}`
}

/** Methods that change nothing. */
const READING = new Set([
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
])

/** Whether a request may be sent again without asking. */
const isHarmless = ({ session }: Backend, { method, params }: Repeatable): boolean => {
  if (READING.has(method)) return true
  const tools = session.lists.tool.state === 'ready' ? session.lists.tool.items : []
  const tool = method === 'tools/call' ? tools.find(({ name }) => name === params?.name) : undefined
  return tool !== undefined && isReadOnly(tool)
}
