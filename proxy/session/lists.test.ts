import { describe, expect, it } from 'vitest'
import { AskerGone, type Listed, ProjectLists } from './lists.ts'

const start = () => {
  const clock = { now: 0 }
  const lists = new ProjectLists({ positiveMs: 1000, negativeMs: 10 }, () => clock.now)
  let asked = 0
  const answer = (name: string) => async (): Promise<Listed> => {
    asked++
    return { items: [{ name }], rest: {} }
  }
  const fail = (error: Error) => async (): Promise<Listed> => {
    asked++
    throw error
  }
  return { clock, lists, answer, fail, asked: () => asked }
}

describe('the list of a server', () => {
  it('is asked for once while it is fresh', async () => {
    const { lists, answer, asked, clock } = start()
    await lists.get('a', 'tools', answer('x'))
    clock.now = 999
    expect(await lists.get('a', 'tools', answer('y'))).toEqual({ items: [{ name: 'x' }], rest: {} })
    clock.now = 1000
    expect(await lists.get('a', 'tools', answer('y'))).toEqual({ items: [{ name: 'y' }], rest: {} })
    expect(asked()).toBe(2)
  })

  it('that fails is not asked for again at once, and what was known stays known', async () => {
    const { lists, answer, fail, asked, clock } = start()
    await lists.get('a', 'tools', answer('x'))
    clock.now = 2000
    expect(await lists.get('a', 'tools', fail(new Error('no')))).toBeUndefined()
    clock.now = 2009
    expect(await lists.get('a', 'tools', answer('y'))).toBeUndefined()
    expect(lists.last('a', 'tools')?.items).toEqual([{ name: 'x' }])
    clock.now = 2010
    expect((await lists.get('a', 'tools', answer('y')))?.items).toEqual([{ name: 'y' }])
    expect(asked()).toBe(3)
  })

  it('is asked for again after it has changed, also if it was on its way then', async () => {
    const { lists, answer, asked } = start()
    let finish = (_listed: Listed): void => {}
    const late = lists.get('a', 'tools', () => new Promise((resolve) => (finish = resolve)))
    lists.drop('a', 'tools')
    const fresh = await lists.get('a', 'tools', answer('new'))
    finish({ items: [{ name: 'old' }], rest: {} })
    await late
    expect(fresh?.items).toEqual([{ name: 'new' }])
    expect((await lists.get('a', 'tools', answer('newer')))?.items).toEqual([{ name: 'new' }])
    expect(lists.last('a', 'tools')?.items).toEqual([{ name: 'new' }])
    expect(asked()).toBe(1)
  })

  it('that changes each time it is asked for is known as it came last, and never as an earlier one', async () => {
    const { lists, answer } = start()
    await lists.get('a', 'tools', answer('x'))
    const changing = (name: string) => async (): Promise<Listed> => {
      lists.drop('a', 'tools')
      return { items: [{ name }], rest: {} }
    }
    lists.drop('a', 'tools')
    await lists.get('a', 'tools', changing('y'))
    expect(lists.last('a', 'tools')?.items).toEqual([{ name: 'y' }])

    let comesLate: (listed: Listed) => void = () => undefined
    const slow = lists.get('a', 'tools', () => new Promise((resolve) => (comesLate = resolve)))
    lists.drop('a', 'tools')
    await lists.get('a', 'tools', answer('newest'))
    comesLate({ items: [{ name: 'late' }], rest: {} })
    await slow
    expect(lists.last('a', 'tools')?.items).toEqual([{ name: 'newest' }])
  })

  it('says nothing of the server when the asker went away: the next who waits asks itself', async () => {
    const { lists, answer, fail } = start()
    const gone = lists.get('a', 'tools', fail(new AskerGone('gone')))
    const waiting = lists.get('a', 'tools', answer('x'))
    await expect(gone).rejects.toThrow('gone')
    expect((await waiting)?.items).toEqual([{ name: 'x' }])
  })

  it('makes what is derived from it again only when it or the rest has changed', async () => {
    const { lists, answer } = start()
    let made = 0
    const derive = (on: string) => lists.derived('names', on, () => ++made)
    expect([derive('a'), derive('a'), derive('b')]).toEqual([1, 1, 2])
    await lists.get('a', 'tools', answer('x'))
    expect([derive('b'), derive('b')]).toEqual([3, 3])
  })
})
