import { expect, it } from 'vitest'
import { createTurns } from './turns.ts'

/** Work that goes on until it is told to end. */
const held = () => {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { work: () => ended, end: () => end() }
}

it('lets the next one begin when the one before has ended, whatever came of it', async () => {
  const turns = createTurns()
  const order: number[] = []
  const first = turns.take('a', async () => {
    order.push(1)
    throw new Error('failed')
  })
  const second = turns.take('a', async () => order.push(2))
  await expect(first).rejects.toThrow('failed')
  await second
  expect(order).toEqual([1, 2])
})

it('lets different things go on at once', async () => {
  const turns = createTurns()
  const slow = held()
  const first = turns.take('a', slow.work)
  expect(await turns.take('b', async () => 'done')).toBe('done')
  slow.end()
  await first
})

it('lets those begin together who have waited long enough', async () => {
  const turns = createTurns({ patienceMs: 5 })
  const slow = held()
  const first = turns.take('a', slow.work)
  const others = [turns.take('a', async () => 'one'), turns.take('a', async () => 'two')]
  expect(await Promise.all(others)).toEqual(['one', 'two'])
  slow.end()
  await first
})
