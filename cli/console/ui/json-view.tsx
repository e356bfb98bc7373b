import type { ReactNode } from 'react'
import { useMemo, useState } from 'react'
import { cut } from '../../output/cells.ts'
import { allOpen, type Folds, type TreeLine, treeLines } from '../json-tree.ts'
import { Line, Rows, type Tone, usePresses, Words } from './context.tsx'
import type { Hint } from './frame.tsx'
import { moved, useWindow } from './scrolling.ts'

export const JSON_HINTS: readonly Hint[] = [
  ['↑↓', 'move'],
  ['→←', 'unfold, fold'],
  ['e', 'unfold all'],
]

interface JsonViewProps {
  readonly value: unknown
  readonly width: number
  readonly height: number
  readonly layer: number
  readonly active: boolean
  /** What is open at first, beside what the tree opens by itself. */
  readonly open?: Folds
}

const NONE: Folds = new Map()

/** A JSON value, to walk through and to fold. Give it a `key` that changes with the value. */
export const JsonView = ({ value, width, height, layer, active, open = NONE }: JsonViewProps): ReactNode => {
  const [folds, setFolds] = useState(open)
  const [cursor, setCursor] = useState(0)
  const lines = useMemo(() => treeLines(value, folds, width), [value, folds, width])
  const at = Math.min(cursor, lines.length - 1)
  const top = useWindow(lines.length, height, at)

  const setFold = (line: TreeLine, isOpen: boolean): void => setFolds(new Map(folds).set(line.path, isOpen))
  usePresses(
    layer,
    (press) => {
      const to = moved(press, at, lines.length, height)
      const line = lines[at]
      if (to !== undefined) setCursor(to)
      else if (line === undefined) return false
      else if (press.key === 'right') {
        if (line.fold === 'folded') setFold(line, true)
      } else if (press.key === 'left') foldOrLeave(line)
      else if (press.key === 'enter' || press.text === ' ') {
        if (line.fold !== undefined) setFold(line, line.fold === 'folded')
      } else if (press.text === 'e') setFolds(allOpen(value))
      else return false
      return true
    },
    { active },
  )

  /** Folds what is open; from what has nothing to fold, goes to what it is in. */
  const foldOrLeave = (line: TreeLine): void => {
    if (line.fold === 'open') {
      setFold(line, false)
      return
    }
    const parent = lines.findLastIndex((each, i) => i < at && each.depth < line.depth)
    if (parent >= 0) setCursor(parent)
  }

  return (
    <Rows
      of={lines.slice(top, top + height)}
      row={(line, i) => <TreeRow line={line} width={width} chosen={active && top + i === at} />}
    />
  )
}

const TONES: Readonly<Record<TreeLine['kind'], Tone>> = {
  object: 'quiet',
  string: 'good',
  number: 'warn',
  boolean: 'accent',
  null: 'quiet',
  more: 'quiet',
}

const MARKS = { open: '▾ ', folded: '▸ ' } as const

const TreeRow = ({ line, width, chosen }: { line: TreeLine; width: number; chosen: boolean }): ReactNode => {
  const { depth, name, text, kind, fold } = line
  const lead = '  '.repeat(Math.min(depth, Math.floor(width / 4))) + (fold === undefined ? '  ' : MARKS[fold])
  const label = name === undefined ? '' : `${name}: `
  if (chosen)
    return (
      <Line>
        <Words text={cut(lead + label + text, width)} tone="chosen" />
      </Line>
    )
  return (
    <Line>
      <Words text={lead} tone="quiet" />
      <Words text={label} tone="accent" />
      <Words text={cut(text, Math.max(4, width - lead.length - label.length))} tone={TONES[kind]} />
    </Line>
  )
}
