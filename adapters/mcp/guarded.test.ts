import { expect, it } from 'vitest'
import { keptLogger } from '../../proxy/testing/kept-logger.ts'
import { guarded } from './guarded.ts'

it('logs what a message sets off wrongly, and goes on with the next', () => {
  const logger = keptLogger()
  const [taken, failed]: [string[], string[]] = [[], []]
  const take = guarded(
    logger,
    { server: 's' },
    (text: string) => {
      if (text === 'bad') throw new TypeError('a bug')
      taken.push(text)
    },
    (text) => failed.push(text),
  )
  for (const text of ['a', 'bad', 'b']) take(text)
  expect([taken, failed]).toEqual([['a', 'b'], ['bad']])
  expect(logger.lines).toMatchObject([{ message: 'a message failed inside mcpd', fields: { server: 's' } }])
})
