import { useRef } from 'react'
import type { Press } from './presses.ts'

/** Which of `count` lines are shown on `height` rows so that the chosen one is among them; moves as little as it can. */
export const useWindow = (count: number, height: number, chosen: number): number => {
  const top = useRef(0)
  const lowest = Math.max(0, count - height)
  top.current = Math.min(Math.max(top.current, chosen - height + 1), chosen, lowest)
  top.current = Math.max(0, top.current)
  return top.current
}

/** Where a key of movement leads from line `at`, or undefined for another key. */
export const moved = ({ key, text }: Press, at: number, count: number, height: number): number | undefined => {
  const to = (line: number) => Math.max(0, Math.min(line, count - 1))
  if (key === 'up' || text === 'k') return to(at - 1)
  if (key === 'down' || text === 'j') return to(at + 1)
  if (key === 'pageup' || key === 'ctrl-b') return to(at - height)
  if (key === 'pagedown' || key === 'ctrl-f') return to(at + height)
  if (key === 'home' || text === 'g') return to(0)
  if (key === 'end' || text === 'G') return to(count - 1)
  return undefined
}
