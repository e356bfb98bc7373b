import { expect, it } from 'vitest'
import { type Check, type Comparison, differencesOf, shortcomings, tableOf } from './results.ts'

const check = (id: string, status = 'SUCCESS', errorMessage?: string): Check => ({
  id,
  status,
  ...(errorMessage === undefined ? {} : { errorMessage }),
})
const comparison = (direct: Check[], proxied: Check[] | undefined): Comparison => ({
  suite: 'suite 1',
  direct: new Map([['ping', direct]]),
  proxied: { http: new Map(proxied === undefined ? [] : [['ping', proxied]]) },
})

it('the same checks in another order, and other remarks, are no difference', () => {
  const direct = [check('a'), check('b'), check('told', 'INFO')]
  expect(differencesOf(comparison(direct, [check('b'), check('a')]))).toEqual([])
})

it('a check that fails, becomes a remark, or is not there is a difference', () => {
  const differences = (proxied: Check[] | undefined) => differencesOf(comparison([check('a'), check('b')], proxied))
  expect(differences([check('a'), check('b', 'FAILURE', 'no answer')])).toEqual([
    {
      suite: 'suite 1',
      form: 'http',
      scenario: 'ping',
      direct: ['b: SUCCESS'],
      proxied: ['b: FAILURE'],
      reasons: ['no answer'],
    },
  ])
  expect(differences([check('a'), check('b', 'INFO')])).toMatchObject([{ direct: ['b: SUCCESS'], proxied: [] }])
  expect(differences(undefined)).toMatchObject([{ direct: ['a: SUCCESS', 'b: SUCCESS'], proxied: [] }])
})

it('a check that comes twice must come twice', () => {
  expect(differencesOf(comparison([check('a'), check('a')], [check('a')]))).toHaveLength(1)
})

it('what the server itself does not pass is named', () => {
  expect(shortcomings(comparison([check('a'), check('b', 'WARNING', 'late')], []))).toEqual(['ping b: WARNING late'])
})

it('the table has a row for each scenario and one for all', () => {
  expect(tableOf(comparison([check('a'), check('b', 'WARNING'), check('c', 'INFO')], undefined)).split('\n')).toEqual([
    '| suite 1 | direct  | http    |',
    '|---------|---------|---------|',
    '| ping    | 1/2     | not run |',
    '| **all** | **1/2** | **0/0** |',
  ])
})
