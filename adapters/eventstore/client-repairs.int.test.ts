import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient } from '@eventstore/db-client'
import { describe, expect, it } from 'vitest'
import { setRight } from './client-repairs.ts'

/** Two nodes where nobody listens. */
const NOWHERE = 'esdb://127.0.0.1:1,127.0.0.1:2?tls=false&maxDiscoverAttempts=1&discoveryInterval=1'

/** A dependency of ours as it is installed. */
const installed = (name: string): { version: string } =>
  JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'))

describe('a client that was set right', () => {
  it('is of the version that this was written for, and no successor of it is in the same process', () => {
    expect(installed('@eventstore/db-client').version).toBe('6.2.1')
    expect(() => installed('@kurrent/kurrentdb-client')).toThrow('ENOENT')
  })

  it('leaves no rejection unhandled when discovery fails beside another failure', async () => {
    const client = EventStoreDBClient.connectionString(NOWHERE)
    setRight(client, undefined)
    const failed = new Promise((resolve) => client.readAll().on('error', resolve))
    const handleError: unknown = Reflect.get(client, 'handleError')
    const unavailable = Object.assign(new Error('gone'), { code: 14, details: 'gone' })
    const handled = typeof handleError === 'function' && handleError({ getChannel: () => undefined }, unavailable)
    await expect(handled).resolves.toBeUndefined()
    expect(await failed).toMatchObject({ message: expect.stringContaining('discover') })
  })

  it('opens nothing any more once it is over', async () => {
    const client = EventStoreDBClient.connectionString('esdb://127.0.0.1:1?tls=false')
    setRight(client, undefined).over = true
    const failed = new Promise((resolve) => client.readAll().on('error', resolve))
    expect(await failed).toMatchObject({ message: 'the channel of this client is closed' })
  })
})
