import { expect, it, vi } from 'vitest'
import { createLinkPair } from './in-process.ts'
import { MAX_WAITING_FRAMES } from './inbox.ts'
import { linkContract, messageFrame } from './testing/link-contract.ts'

linkContract('inside one process', async () => ({ ends: createLinkPair(), free: async () => {} }))

it('passes frames as they are, without serialising', async () => {
  const [mine, theirs] = createLinkPair()
  const frame = messageFrame(1)
  const got = new Promise((resolve) => theirs.onFrame(resolve))
  mine.send(frame)
  expect(await got).toBe(frame)
})

it('cuts a peer off that takes nothing', async () => {
  const [mine] = createLinkPair()
  const onClose = vi.fn()
  mine.onClose(onClose)
  for (let i = 0; i <= MAX_WAITING_FRAMES; i++) mine.send(messageFrame(i))
  await vi.waitFor(() => expect(onClose).toHaveBeenCalledWith(expect.objectContaining({ code: 'slow' })))
})
