import { describe, expect, it } from 'vitest'
import { createSubscriptions } from './subscriptions.ts'

describe('subscriptions', () => {
  it('say when nobody is left who wants a resource', () => {
    const subscriptions = createSubscriptions<string>()
    subscriptions.add('r:1', 'a')
    subscriptions.add('r:1', 'b')
    expect(subscriptions.remove('r:1', 'a')).toBe(false)
    expect(subscriptions.remove('r:1', 'a')).toBe(false)
    expect(subscriptions.remove('r:1', 'b')).toBe(true)
    expect(subscriptions.remove('r:1', 'b')).toBe(false)
    expect(subscriptions.size).toBe(0)
  })

  it('count a session once, however often it subscribes', () => {
    const subscriptions = createSubscriptions<string>()
    subscriptions.add('r:1', 'a')
    subscriptions.add('r:1', 'a')
    expect(subscriptions.remove('r:1', 'a')).toBe(true)
  })

  it.each([
    ['file:///notes', 'file:///notes/today', true],
    ['file:///notes/', 'file:///notes/today', true],
    ['file:///notes', 'file:///notes#top', true],
    ['file:///notes', 'file:///notes?v=2', true],
    ['file:///notes', 'file:///notesbook', false],
    ['file:///notes/today', 'file:///notes', false],
  ])('of %s hear of %s: %s', (subscribed, updated, heard) => {
    const subscriptions = createSubscriptions<string>()
    subscriptions.add(subscribed, 'a')
    subscriptions.add('other:', 'b')
    expect([...subscriptions.subscribers(updated)]).toEqual(heard ? ['a'] : [])
  })

  it('tell a session once that subscribed to a whole and to its part', () => {
    const subscriptions = createSubscriptions<string>()
    for (const uri of ['r:/', 'r:/1']) for (const session of ['a', 'b']) subscriptions.add(uri, session)
    subscriptions.add('r:/', 'c')
    expect([...subscriptions.subscribers('r:/1')].sort()).toEqual(['a', 'b', 'c'])
    expect([...subscriptions.subscribers('r:/')].sort()).toEqual(['a', 'b', 'c'])
  })
})
