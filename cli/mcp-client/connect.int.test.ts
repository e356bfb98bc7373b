import { expect, it } from 'vitest'
import { scripted } from '../testing/scripted-endpoint.ts'
import { connectMcp } from './connect.ts'

it('an endpoint that listens and says nothing is not waited for as long as for an answer', async () => {
  const url = new URL(await scripted(() => 'hang'))
  const options = { signal: new AbortController().signal, timeoutMs: 600_000, connectMs: 50 }
  await expect(connectMcp({ url, token: undefined }, options)).rejects.toMatchObject({ kind: 'timeout' })
})
