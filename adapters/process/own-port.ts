import { connect, createServer } from 'node:net'
import { withLastErrors } from '../../domain/instance/exit-reason.ts'
import { type Address, type Exit, startFailed } from '../../domain/instance/runtime.ts'
import { type CodedError, codeOf } from '../../domain/kernel/errors.ts'
import { pause } from '../../domain/kernel/pause.ts'

/** How long a program may take until its port accepts connections. */
export const PORT_DEADLINE_MS = 30_000
const FIRST_POLL_MS = 10
const LONGEST_POLL_MS = 200
/** A listener on this machine answers at once; one that does not has a queue that is full. */
const CONNECT_MS = 2_000

/** Loopback only: what a program serves is not for other machines. `::1` is where `listen(port, 'localhost')` may end up. */
const HOSTS = ['127.0.0.1', '::1'] as const

const canBind = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    // Any other refusal (a low port, no IPv6) is not about somebody else: the program finds out for itself.
    server.once('error', (error) => resolve(codeOf(error) !== 'EADDRINUSE'))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

/** The port of a program that is to be started is that of another instance of ours. */
export const portTaken = (port: number, holder: string): CodedError =>
  startFailed(
    `Port ${port} is used by the instance ${holder} already.`,
    'Copies of a server share no port on one machine: keep `replicas` at 1, or run an image.',
  )

/** Before a program is started: that nobody else has its port. Its clients would talk to that one. @throws startFailed */
export const assertPortFree = async (port: number): Promise<void> => {
  if (await canBind('127.0.0.1', port)) return
  throw startFailed(
    `Port ${port} is used by another program on this machine already.`,
    `End that one, or let the server listen on another port and set \`containerPort\`. See who it is: ss -ltnp 'sport = :${port}'`,
  )
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS })
    const answer = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false))
  })

/**
 * Waits until the port of a program that was just started accepts connections.
 * @returns where it does
 * @throws startFailed when the program ends before, or the deadline comes; the reason of `signal` when that aborts
 */
export const portOpened = async (options: {
  readonly port: number
  readonly exited: Promise<Exit>
  readonly lastErrors: () => string
  readonly signal: AbortSignal
  readonly deadlineMs?: number
}): Promise<Address> => {
  const { port, exited, lastErrors, signal, deadlineMs = PORT_DEADLINE_MS } = options
  const deadline = performance.now() + deadlineMs
  let exit: Exit | undefined
  const ended = exited.then((how) => {
    exit = how
  })
  for (let ms = FIRST_POLL_MS; ; ms = Math.min(ms * 2, LONGEST_POLL_MS)) {
    for (const host of HOSTS) {
      const accepted = await accepts(host, port)
      signal.throwIfAborted()
      if (exit !== undefined)
        throw startFailed(`The program ended before it listened on port ${port}. ${exit.reason}`, undefined, exit)
      if (accepted) return { host, port }
    }
    if (performance.now() >= deadline) break
    await Promise.race([pause(ms, signal), ended])
  }
  throw startFailed(
    withLastErrors(`The program did not listen on port ${port} within ${deadlineMs / 1_000} seconds`, lastErrors()),
    'Check that `containerPort` is the port that the program listens on, and that it listens on the loopback address.',
  )
}
