import type { Key } from 'ink'

/** One key, or a piece of text that came at once. */
export interface Press {
  /** `up`, `enter`, `ctrl-u`, …; `text` for anything that is typed. */
  readonly key: string
  /** What was typed; empty for other keys. */
  readonly text: string
}

const NAMES = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  // What the backspace key of most terminals sends, Ink calls delete.
  ['delete', 'backspace'],
] as const satisfies readonly (readonly [keyof Key, string])[]

/** What Ink says of a key, in our words. Text that ends with line ends is text, and then enter. */
export const pressesOf = (input: string, key: Key): readonly Press[] => {
  if (key.tab) return [{ key: key.shift ? 'backtab' : 'tab', text: '' }]
  const name = NAMES.find(([member]) => key[member])?.[1]
  if (name !== undefined) return [{ key: name, text: '' }]
  if (key.ctrl) return [{ key: `ctrl-${input}`, text: '' }]
  if (key.meta || input === '') return []
  const typed = input.replace(/\r\n?/g, '\n')
  const text = typed.replace(/\n+$/, '')
  const enters = Array.from({ length: typed.length - text.length }, () => ({ key: 'enter', text: '' }))
  return [...(text === '' ? [] : [{ key: 'text', text }]), ...enters]
}

/** Answers whether the press was for it. */
export type PressHandler = (press: Press) => boolean

interface Route {
  readonly layer: number
  /** Takes text as it comes; others get it character by character. */
  readonly typing: boolean
  readonly handle: PressHandler
}

/** Brings each press to the topmost layer that wants it. */
export class PressRouter {
  readonly #routes = new Set<Route>()
  #waiting: Press[] = []

  add(route: Route): () => void {
    this.#routes.add(route)
    return () => void this.#routes.delete(route)
  }

  /** Takes a press; those that came at once are handled one by one, for the first may open what the next is for. */
  dispatch(press: Press): void {
    this.#waiting.push(press)
    if (this.#waiting.length === 1) this.#next()
  }

  #next(): void {
    const [press] = this.#waiting
    if (press === undefined) return
    const routes = [...this.#routes].sort((a, b) => b.layer - a.layer)
    const [first = '', ...rest] = routes[0]?.typing === true ? [press.text] : press.text
    routes.some(({ handle }) => handle({ key: press.key, text: first }))
    afterDrawing(() => {
      const left = rest.length === 0 ? [] : [{ key: press.key, text: rest.join('') }]
      this.#waiting = [...left, ...this.#waiting.slice(1)]
      this.#next()
    })
  }
}

/** What a press has changed is drawn in a turn of its own, which is asked for at the end of this one. */
const afterDrawing = (next: () => void): void => void setImmediate(() => setImmediate(() => setImmediate(next)))
