import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Link, LinkClosed, LinkFrame } from '../../../domain/mcp/link.ts'

/** Two connected ends, and what it takes to free them. */
export interface LinkUnderTest {
  readonly ends: readonly [Link, Link]
  free(): Promise<void>
}

const FINALLY = { timeout: 5000, interval: 2 }

export const messageFrame = (id: number, extra: object = {}): LinkFrame => ({
  type: 'message',
  server: 's',
  message: { jsonrpc: '2.0', id, method: 'm', params: { ...extra } },
})

/** What every adapter of the link promises. */
export const linkContract = (name: string, connect: () => Promise<LinkUnderTest>): void => {
  describe(`a link ${name}`, () => {
    let link: LinkUnderTest
    let mine: Link
    let theirs: Link

    beforeEach(async () => {
      link = await connect()
      ;[mine, theirs] = link.ends
    })
    afterEach(() => link.free())

    const collect = (end: Link): LinkFrame[] => {
      const frames: LinkFrame[] = []
      end.onFrame((frame) => frames.push(frame))
      return frames
    }
    const closes = (end: Link): LinkClosed[] => {
      const all: LinkClosed[] = []
      end.onClose((closed) => all.push(closed))
      return all
    }

    it('carries frames both ways, in order', async () => {
      const [there, here] = [collect(theirs), collect(mine)]
      const sent = Array.from({ length: 500 }, (_, i) => messageFrame(i, { text: 'ä\u2028😀', null: null }))
      for (const frame of sent) mine.send(frame)
      for (const frame of sent) theirs.send(frame)
      await vi.waitFor(() => expect([there.length, here.length]).toEqual([500, 500]), FINALLY)
      expect(there).toEqual(sent)
      expect(here).toEqual(sent)
    })

    it('carries a project with fields that nobody has heard of', async () => {
      const there = collect(theirs)
      const server = { name: 's', state: 'ready', initialize: { unheardOf: [1] } } as const
      mine.send({ type: 'project', project: { name: 'demo', namespacing: 'never', servers: [server] } })
      await vi.waitFor(() => expect(there).toHaveLength(1), FINALLY)
      expect(there[0]).toMatchObject({ project: { servers: [server] } })
    })

    it('never delivers inside the call that sends', async () => {
      const there = collect(theirs)
      mine.send(messageFrame(1))
      expect(there).toEqual([])
      await vi.waitFor(() => expect(there).toHaveLength(1), FINALLY)
    })

    it('delivers first what came before anybody listened', async () => {
      for (const id of [1, 2, 3]) mine.send(messageFrame(id))
      const answered = collect(mine)
      theirs.send(messageFrame(0))
      await vi.waitFor(() => expect(answered).toHaveLength(1), FINALLY) // time for the others to arrive
      const there = collect(theirs)
      mine.send(messageFrame(4))
      await vi.waitFor(() => expect(there).toHaveLength(4), FINALLY)
      expect(there).toEqual([1, 2, 3, 4].map((id) => messageFrame(id)))
    })

    it('tells both ends why it was closed, once, after the frames before', async () => {
      const order: string[] = []
      theirs.onFrame(() => order.push('frame'))
      theirs.onClose(({ code, reason }) => order.push(`${code}: ${reason}`))
      const mineClosed = closes(mine)
      mine.send(messageFrame(1))
      mine.close({ code: 'gone', reason: 'the project was deleted' })
      mine.close({ code: 'revoked', reason: 'too late' })
      await vi.waitFor(() => expect([order.length, mineClosed.length]).toEqual([2, 1]), FINALLY)
      expect(order).toEqual(['frame', 'gone: the project was deleted'])
      expect(mineClosed).toEqual([{ code: 'gone', reason: 'the project was deleted' }])
    })

    it('tells who asks after the close, too', async () => {
      const first = closes(mine)
      theirs.close()
      await vi.waitFor(() => expect(first).toHaveLength(1), FINALLY)
      const late = closes(theirs)
      await vi.waitFor(() => expect(late[0]?.code).toBe('closed'), FINALLY)
    })

    it('ignores what is sent after the close', async () => {
      const there = collect(theirs)
      const done = closes(theirs)
      mine.close()
      mine.send(messageFrame(1))
      theirs.send(messageFrame(2))
      await vi.waitFor(() => expect(done).toHaveLength(1), FINALLY)
      expect(there).toEqual([])
    })

    it.each(['closed', 'revoked', 'gone', 'slow', 'lost'] as const)('carries the code %s to the peer', async (code) => {
      const done = closes(theirs)
      mine.close({ code, reason: 'ü'.repeat(200) })
      await vi.waitFor(() => expect(done).toHaveLength(1), FINALLY)
      expect(done[0]?.code).toBe(code)
      expect(done[0]?.reason).toMatch(/^ü{40,200}$/)
    })
  })
}
