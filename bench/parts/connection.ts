import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** One kept-alive HTTP connection, one request at a time. */
export interface Connection {
  send(method: string, path: string, body?: string, headers?: string): Promise<Answer>
  close(): void
}

/**
 * Opens a connection that costs as little as can be, so that the server is what is measured: bare sockets, answers with a
 * Content-Length only.
 */
export const openConnection = async (url: URL, token: string): Promise<Connection> => {
  const socket = connect(Number(url.port), url.hostname).setNoDelay(true)
  await once(socket, 'connect')
  const answers = new Answers(socket)
  return {
    send(method, path, body = '', headers = '') {
      const answer = answers.next()
      const type = body === '' ? '' : 'Content-Type: application/json\r\n'
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${token}\r\n${type}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      return answer
    },
    close: () => socket.destroy(),
  }
}

class Answers {
  #received: Buffer = Buffer.alloc(0)
  #waiting: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#take()
    })
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')))
  }

  next(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #take(): void {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    const whole = end + 4 + length
    if (this.#received.length < whole) return
    const answer = { status: Number(head.slice(9, 12)), body: this.#received.toString('utf8', end + 4, whole) }
    this.#received = this.#received.subarray(whole)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(answer)
  }
}
