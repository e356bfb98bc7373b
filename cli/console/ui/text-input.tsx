import type { ReactNode } from 'react'
import { safeLine } from '../safe-text.ts'
import { Words } from './context.tsx'
import type { Press } from './presses.ts'

/** A text that is being edited, and where the cursor is, in characters. */
export interface Edited {
  readonly text: string
  readonly cursor: number
}

export const edited = (text: string): Edited => ({ text, cursor: text.length })

/** Longest text that can be typed in or pasted. */
const MAX_TEXT = 100_000

/** The text after a press, or undefined when the press is not about text. */
export const edit = ({ text, cursor }: Edited, press: Press): Edited | undefined => {
  const [before, after] = [text.slice(0, cursor), text.slice(cursor)]
  switch (press.key) {
    case 'text':
      if (text.length + press.text.length > MAX_TEXT) return { text, cursor }
      return { text: before + press.text + after, cursor: cursor + press.text.length }
    case 'backspace': {
      const kept = [...before].slice(0, -1).join('')
      return { text: kept + after, cursor: kept.length }
    }
    case 'left':
      return { text, cursor: [...before].slice(0, -1).join('').length }
    case 'right':
      return { text, cursor: cursor + ([...after][0]?.length ?? 0) }
    case 'home':
    case 'ctrl-a':
      return { text, cursor: 0 }
    case 'end':
    case 'ctrl-e':
      return { text, cursor: text.length }
    case 'ctrl-u':
      return { text: after, cursor: 0 }
    case 'ctrl-k':
      return { text: before, cursor }
    case 'ctrl-w': {
      const kept = before.replace(/\S*\s*$/, '')
      return { text: kept + after, cursor: kept.length }
    }
    default:
      return undefined
  }
}

/** The text with its cursor, the part around it where there is not room for all. */
export const TextInput = ({ value, width }: { value: Edited; width: number }): ReactNode => {
  const { text, cursor } = value
  const from = Math.max(0, cursor - Math.max(1, width - 2))
  const [under = ' '] = [...text.slice(cursor)]
  return (
    <>
      <Words text={safeLine(text.slice(from, cursor))} />
      <Words text={under === '\n' ? '↵' : under} tone="chosen" />
      <Words text={text.slice(cursor + under.length, cursor + under.length + width)} />
    </>
  )
}
