import type { Key } from 'ink'
import { expect, it, vi } from 'vitest'
import { type Press, PressRouter, pressesOf } from './presses.ts'

const none = {} as Key // no key at all

it('takes text that came with enter apart, line ends inside of it not', () => {
  expect(pressesOf('abc', none)).toEqual([{ key: 'text', text: 'abc' }])
  expect(pressesOf('abc\r\r', none)).toEqual([
    { key: 'text', text: 'abc' },
    { key: 'enter', text: '' },
    { key: 'enter', text: '' },
  ])
  expect(pressesOf('one\rtwo\r\n', none)).toEqual([
    { key: 'text', text: 'one\ntwo' },
    { key: 'enter', text: '' },
  ])
})

it('brings keys one by one to the topmost layer that wants them, and text whole to one that is typed into', async () => {
  const router = new PressRouter()
  const got: string[] = []
  const route = (name: string, wants: (press: Press) => boolean) => (press: Press) => {
    if (wants(press)) got.push(`${name} ${press.text}`)
    return wants(press)
  }
  router.add({ layer: 0, typing: false, handle: route('below', () => true) })
  router.add({
    layer: 1,
    typing: false,
    handle: (press) => {
      // As a search does that is opened by its key.
      if (press.text === '/') router.add({ layer: 2, typing: true, handle: route('typed', () => true) })
      return press.text === '/'
    },
  })
  router.dispatch({ key: 'text', text: 'ab/cde' })
  router.dispatch({ key: 'text', text: 'f' })
  await vi.waitFor(() => expect(got).toEqual(['below a', 'below b', 'typed cde', 'typed f']))
})
