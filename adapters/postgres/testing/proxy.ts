import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut and held up. */
export interface CuttableWay {
  readonly port: number
  /** Breaks every connection, and the next ones too until `open`. */
  cut(): void
  /** Lets nothing through any more, in either direction, without breaking anything: as behind a firewall that drops packets. */
  stall(): void
  open(): void
  /** Breaks every connection once bytes that hold `text` come from a client, before the server has them; then it is open again. */
  cutAt(text: string): Promise<void>
  close(): Promise<void>
}

export const startProxy = async (target: number): Promise<CuttableWay> => {
  let state: 'open' | 'cut' | 'stalled' = 'open'
  let trap: { readonly text: string; readonly sprung: () => void } | undefined
  const pairs = new Set<readonly [Socket, Socket]>()
  const breakAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    pairs.clear()
  }
  const server = createServer((client) => {
    if (state === 'cut') return void client.destroy()
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', (bytes) => {
        if (trap !== undefined && from === client && bytes.includes(trap.text)) {
          trap.sprung()
          trap = undefined
          return breakAll()
        }
        if (state === 'open') to.write(bytes)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      state = 'cut'
      breakAll()
    },
    stall() {
      state = 'stalled'
    },
    open() {
      // What was held up has lost bytes: it can only be broken.
      if (state === 'stalled') breakAll()
      state = 'open'
    },
    cutAt: (text) =>
      new Promise((resolve) => {
        trap = { text, sprung: resolve }
      }),
    close() {
      breakAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
