import { expect, it } from 'vitest'
import { keptLogger } from '../testing/kept-logger.ts'
import { ProjectStates } from './project-states.ts'

const DEDICATED = new Set(['own'])

it('sessions of a project share what they know of a server, but for one with which each has a session of its own', async () => {
  const states = new ProjectStates()
  const [first, second] = [1, 2].map(() => states.join('demo', keptLogger(), () => DEDICATED))
  for (const server of ['shared', 'own'])
    await first?.get(server, 'tools', async () => ({ items: [{ name: 'x' }], rest: {} }))
  expect(second?.last('shared', 'tools')?.items).toEqual([{ name: 'x' }])
  expect(second?.last('own', 'tools')).toBeUndefined()
  expect(first?.last('own', 'tools')?.items).toEqual([{ name: 'x' }])
  expect(first?.breaker('shared')).toBe(second?.breaker('shared'))
  expect(first?.breaker('own')).not.toBe(second?.breaker('own'))
})

it('what a project’s sessions know is forgotten with the last of them', async () => {
  const states = new ProjectStates()
  const join = () => states.join('demo', keptLogger(), () => new Set())
  await join().get('a', 'tools', async () => ({ items: [], rest: {} }))
  expect(join().last('a', 'tools')).toBeDefined()
  states.leave('demo')
  expect(states.size).toBe(1)
  states.leave('demo')
  expect(states.size).toBe(0)
  expect(join().last('a', 'tools')).toBeUndefined()
})
