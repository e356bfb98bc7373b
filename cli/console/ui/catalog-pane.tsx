import type { ReactNode } from 'react'
import { useMemo, useState } from 'react'
import { cut, pad, widthOf, wrap } from '../../output/cells.ts'
import type { Item } from '../items.ts'
import type { ListState } from '../project-session.ts'
import { safeLine, safeLines } from '../safe-text.ts'
import { Line, Rows, TextLines, usePresses, useSize, Words } from './context.tsx'
import { FRAME_ROWS, type Hint, Pane } from './frame.tsx'
import { moved, useWindow } from './scrolling.ts'
import { type Edited, edit, edited, TextInput } from './text-input.tsx'

interface CatalogPaneProps {
  readonly what: string
  readonly list: ListState
  readonly items: readonly Item[]
  /** What enter does, in a word. */
  readonly verb: string
  readonly note?: string | undefined
  readonly active: boolean
  onOpen(item: Item): void
}

const HINTS: readonly Hint[] = [
  ['/', 'find'],
  ['1-4', 'panes'],
  ['?', 'help'],
  ['q', 'quit'],
]
/** Columns from which on the chosen item is described beside the list. */
const WIDE = 100

/** Tools, prompts or resources: a list, what is chosen of it, and a search. */
export const CatalogPane = ({ what, list, items, verb, note, active, onOpen }: CatalogPaneProps): ReactNode => {
  const { columns, rows } = useSize()
  const height = Math.max(3, rows - FRAME_ROWS)
  const [chosen, setChosen] = useState(0)
  const [search, setSearch] = useState<Edited>(edited(''))
  const [searching, setSearching] = useState(false)
  const found = useMemo(() => matching(items, search.text), [items, search.text])
  const hasSearch = searching || search.text !== ''
  const about = columns >= WIDE ? 0 : Math.min(4, Math.floor(height / 4))
  const listRows = Math.max(1, height - (hasSearch ? 1 : 0) - (about > 0 ? about + 1 : 0))
  const at = Math.max(0, Math.min(chosen, found.length - 1))
  const top = useWindow(found.length, listRows, at)
  const item = found[at]

  usePresses(
    1,
    (press) => {
      const to = moved(press, at, found.length, listRows)
      if (to !== undefined) setChosen(to)
      else if (press.key === 'enter' && item !== undefined) onOpen(item)
      else if (press.text === '/') setSearching(true)
      else if (press.key === 'escape' && search.text !== '') setSearch(edited(''))
      else return false
      return true
    },
    { active: active && !searching },
  )
  usePresses(
    2,
    (press) => {
      if (press.key === 'escape') setSearch(edited(''))
      if (press.key === 'escape' || press.key === 'enter') setSearching(false)
      else if (press.key === 'up' || press.key === 'down') setChosen(moved(press, at, found.length, listRows) ?? 0)
      else setSearch(edit(search, press) ?? search)
      return true
    },
    { active: active && searching, typing: true },
  )

  if (!active) return null
  const isWide = columns >= WIDE
  const listWidth = isWide ? Math.floor(columns * 0.45) : columns
  const besides = isWide ? describe(item, columns - listWidth - 3, height) : []
  const nameWidth = Math.min(
    Math.max(16, ...found.map(({ name }) => widthOf(safeLine(name)))),
    Math.floor(columns * 0.6),
  )
  const row = (each: Item | undefined, i: number): ReactNode => (
    <Line>
      {each === undefined ? (
        <Words
          text={pad(i === 0 ? emptyText(list, what, items.length) : '', listWidth)}
          tone={list.state === 'failed' ? 'bad' : 'quiet'}
        />
      ) : (
        <ItemRow
          item={each}
          width={listWidth}
          nameWidth={isWide ? listWidth - 13 : nameWidth}
          isWide={isWide}
          chosen={top + i === at}
        />
      )}
      {isWide && <Words text=" │ " tone="quiet" />}
      {isWide && <Words text={besides[i] ?? ''} />}
    </Line>
  )
  return (
    <Pane hints={[['enter', verb], ...HINTS]} note={note}>
      {hasSearch && (
        <Line>
          <Words text="/" tone="strong" />
          {searching ? <TextInput value={search} width={columns - 16} /> : <Words text={search.text} />}
          <Words text={`  ${found.length} of ${items.length}`} tone="quiet" />
        </Line>
      )}
      <Rows of={Array.from({ length: listRows }, (_, i) => found[top + i])} row={row} />
      {about > 0 && <TextLines of={['─'.repeat(columns), ...describe(item, columns, about)]} tone="quiet" />}
    </Pane>
  )
}

interface ItemRowProps {
  readonly item: Item
  readonly width: number
  readonly nameWidth: number
  /** Tags stand beside the name, and the description apart; else the description does. */
  readonly isWide: boolean
  readonly chosen: boolean
}

const ItemRow = ({ item, width, nameWidth, isWide, chosen }: ItemRowProps): ReactNode => {
  const name = ` ${pad(safeLine(item.name), nameWidth)} `
  const beside = isWide ? item.tags.join(' ') : safeLine(safeLines(item.description)[0] ?? '')
  const rest = pad(beside, Math.max(0, width - nameWidth - 2))
  if (chosen) return <Words text={name + rest} tone="chosen" />
  return (
    <>
      <Words text={name} />
      <Words text={rest} tone="quiet" />
    </>
  )
}

const emptyText = (list: ListState, what: string, total: number): string => {
  if (list.state === 'loading') return ' …'
  if (list.state === 'failed') return ` ${what} cannot be listed: ${list.reason}`
  return total === 0 ? ` No ${what} here` : ' Nothing is found'
}

/** What an item says of itself, in lines that fit. */
const describe = (item: Item | undefined, width: number, most: number): readonly string[] => {
  if (item === undefined) return []
  const words = item.description === '' ? '(no description)' : item.description
  const text = [...item.tags.map((tag) => `[${tag}]`), ...safeLines(words)]
  const lines = text.slice(0, most).flatMap((line) => wrap(line, width, most))
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), cut(`${lines[most - 1]} …`, width)]
}

const matching = (items: readonly Item[], text: string): readonly Item[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return items
  return items.filter(({ name, description }) => {
    const all = `${name} ${description}`.toLowerCase()
    return words.every((word) => all.includes(word))
  })
}
