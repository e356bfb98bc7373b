import { Box, useApp, useInput } from 'ink'
import type { ReactNode } from 'react'
import { useMemo, useState, useSyncExternalStore } from 'react'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { cut } from '../../output/cells.ts'
import type { Backend } from '../backend.ts'
import {
  type Action,
  type Item,
  promptAction,
  promptItems,
  resourceAction,
  resourceItems,
  toolAction,
  toolItems,
} from '../items.ts'
import type { ListState } from '../project-session.ts'
import { ActionView } from './action-view.tsx'
import { CatalogPane } from './catalog-pane.tsx'
import { Line, SurroundingsProvider, usePresses, useSize, Words } from './context.tsx'
import { Header } from './header.tsx'
import { Help } from './help.tsx'
import { PressRouter, pressesOf } from './presses.ts'
import { TrafficPane } from './traffic-pane.tsx'

export interface AppProps {
  readonly backend: Backend
  readonly coloured: boolean
  readonly initialFilter: string
  /** Puts a text into the clipboard of the terminal; false if it is too long. */
  copy(text: string): boolean
  /** Writes a text to a file of its own; answers its path. */
  save(text: string): Promise<string>
}

const PANES = ['Tools', 'Prompts', 'Resources', 'Traffic'] as const
/** The smallest terminal that the console can be used in. */
const MIN_COLUMNS = 40
const MIN_ROWS = 11

/** The whole console. */
export const App = (props: AppProps): ReactNode => {
  const { coloured } = props
  const surroundings = useMemo(() => ({ coloured, router: new PressRouter() }), [coloured])
  useInput((input, key) => {
    for (const press of pressesOf(input, key)) surroundings.router.dispatch(press)
  })
  return (
    <SurroundingsProvider value={surroundings}>
      <Screen {...props} />
    </SurroundingsProvider>
  )
}

const Screen = ({ backend, initialFilter, copy, save }: AppProps): ReactNode => {
  const { columns, rows } = useSize()
  const { exit } = useApp()
  useSyncExternalStore(backend.subscribe, backend.snapshot)
  const [pane, setPane] = useState(initialFilter === '' ? 0 : 3)
  const [help, setHelp] = useState(false)
  const [actions, setActions] = useState<Readonly<Record<number, Action | undefined>>>({})

  usePresses(0, ({ key, text }) => {
    const number = '1234'.indexOf(text)
    if (text === 'q') exit()
    else if (text === '?') setHelp(true)
    else if (text !== '' && number >= 0) setPane(number)
    else if (key === 'tab') setPane((pane + 1) % PANES.length)
    else if (key === 'backtab') setPane((pane + PANES.length - 1) % PANES.length)
    else return false
    return true
  })

  if (columns < MIN_COLUMNS || rows < MIN_ROWS)
    return (
      <Line>
        <Words text={`${columns}×${rows + 1} is too small: ${MIN_COLUMNS}×${MIN_ROWS + 1} is needed`} tone="bad" />
      </Line>
    )
  const { lists } = backend.session
  const catalog = (
    at: number,
    what: string,
    list: ListState,
    items: readonly Item[],
    verb: string,
    action: (item: Item) => Action,
  ) => {
    const open = actions[at]
    const active = pane === at && !help
    if (open === undefined)
      return (
        <CatalogPane
          key={what}
          what={what}
          list={list}
          items={items}
          verb={verb}
          note={noteOf(backend)}
          active={active}
          onOpen={(item) => setActions({ ...actions, [at]: action(item) })}
        />
      )
    return (
      <ActionView
        key={`${what} ${open.title}`}
        action={open}
        active={active}
        request={(method: string, params: JsonObject) => backend.session.request(method, params)}
        onBack={() => setActions({ ...actions, [at]: undefined })}
      />
    )
  }
  return (
    <Box flexDirection="column" height={rows} width={columns} overflow="hidden">
      <Header backend={backend} panes={PANES} chosen={pane} columns={columns} />
      {help && <Help onBack={() => setHelp(false)} />}
      {catalog(0, 'tools', lists.tool, toolItems(lists.tool), 'call', toolAction)}
      {catalog(1, 'prompts', lists.prompt, promptItems(lists.prompt), 'get', promptAction)}
      {catalog(
        2,
        'resources',
        lists.resource,
        resourceItems(lists.resource, lists.resourcetemplate),
        'read',
        resourceAction,
      )}
      <TrafficPane
        backend={backend}
        active={pane === 3 && !help}
        initialFilter={initialFilter}
        copy={copy}
        save={save}
      />
    </Box>
  )
}

const noteOf = ({ servers }: Backend): string | undefined => {
  const away = servers.filter(({ state }) => state !== 'ready')
  if (away.length === 0) return undefined
  return cut(
    away.map(({ name, reason }) => `${name} is unavailable${reason === undefined ? '' : `: ${reason}`}`).join('; '),
    400,
  )
}
