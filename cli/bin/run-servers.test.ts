import { expect, it } from 'vitest'
import type { HealthReactor } from '../../commands/reactors/health.ts'
import type { Reconciler } from '../../commands/reactors/reconciler.ts'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import { runServers } from './run-servers.ts'

const event = { type: 'InstanceStarted', stream: 'instance-a-1', data: {} } as unknown as RecordedEvent

it('probes what it runs as long as that is its duty, and only then', async () => {
  const done: string[] = []
  const note = (what: string) => async () => void done.push(what)
  let tell: (event: RecordedEvent) => void = () => {}
  let restart: Reconciler['restart'] = async () => {}
  const reconciler: Reconciler = {
    status: () => ({ name: 'reconciler', state: 'running' }),
    restart: async (instance) => void done.push(`restart ${instance}`),
    close: note('reconciler closed'),
  }
  const health: HealthReactor = {
    status: () => ({ name: 'health', state: 'running' }),
    seen: ({ type }) => void done.push(`seen ${type}`),
    close: note('probes ended'),
  }
  const servers = runServers({
    host: { stopAll: note('instances ended') } as never,
    reconcile: async (onEvent) => {
      tell = (each) => onEvent?.(each)
      return reconciler
    },
    probe: (how) => {
      restart = how
      return health
    },
  })
  const states = () => servers.status().map(({ name, state }) => `${name} ${state}`)

  expect(states()).toEqual(['reconciler standby', 'health standby'])
  await servers.begin()
  expect(states()).toEqual(['reconciler running', 'health running'])
  tell(event)
  await restart('a-1', '', '')
  expect(done.splice(0)).toEqual(['seen InstanceStarted', 'restart a-1'])
  await servers.end()
  expect(done.sort()).toEqual(['instances ended', 'probes ended', 'reconciler closed'])
  expect(states()).toEqual(['reconciler standby', 'health standby'])
})
