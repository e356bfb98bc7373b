import { WebSocket } from 'ws'

/** Start a program with this in `NODE_OPTIONS`, so that garbage can be collected from outside. */
export const INSPECT = '--inspect=127.0.0.1:0'

/** @param log all that the program has printed */
export const collectGarbage = (log: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(/Debugger listening on (ws:\S+)/.exec(log)?.[1] ?? '')
    socket.on('error', reject)
    socket.on('open', () => {
      socket.send('{"id":1,"method":"HeapProfiler.enable"}')
      socket.send('{"id":2,"method":"HeapProfiler.collectGarbage"}')
      socket.send('{"id":3,"method":"HeapProfiler.disable"}')
    })
    socket.on('message', (data) => {
      if (!String(data).startsWith('{"id":3')) return
      socket.close()
      resolve()
    })
  })
