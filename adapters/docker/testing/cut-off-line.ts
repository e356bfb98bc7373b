import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A line to an engine's socket that can be cut as if the engine had died, and remembers what was asked over it. */
export const cutOffLine = async (engine: string) => {
  const socket = `${engine}-line`
  const open = new Set<Socket>()
  const asked: string[] = []
  let server: Server | undefined
  const mend = async (): Promise<void> => {
    await rm(socket, { force: true })
    server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: engine, allowHalfOpen: true })
      near.on('data', (bytes) => asked.push(...(bytes.toString('latin1').match(/^[A-Z]+ .* HTTP/gm) ?? [])))
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => open.delete(one))
        one.pipe(other)
      }
    })
    server.listen(socket)
    await once(server, 'listening')
  }
  const cut = async (): Promise<void> => {
    const closed = server === undefined ? undefined : once(server.close(), 'close')
    for (const each of open) each.destroy()
    await closed
    server = undefined
  }
  await mend()
  onTestFinished(cut)
  return { socket, asked, cut, mend }
}
