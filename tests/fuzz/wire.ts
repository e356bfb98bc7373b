import { connect, type Socket } from 'node:net'

/** What came back for the bytes of one request. */
export interface Answer {
  /** 0: the connection ended without an answer. */
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Whether an open-ended answer (a stream) was left by us. */
  readonly left: boolean
}

export interface WireRequest {
  readonly bytes: Buffer
  /** The request is cut short: half-close, so that the server knows that nothing more comes. */
  readonly cut?: boolean
  /** The method was HEAD: an answer has no body whatever its headers say. */
  readonly head?: boolean
  /** Leave an answer that is still open after so long. */
  readonly leaveAfterMs?: number
}

export class TookTooLong extends Error {}

/**
 * HTTP/1.1 written by hand: the clients of Node refuse to send most of what is to be sent here. A connection of its own
 * for each request.
 * @throws TookTooLong when there is no whole answer within `deadlineMs`
 */
export const exchange = (url: URL, request: WireRequest, deadlineMs: number): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
    const reader = new AnswerReader(request.head === true)
    const end = (settle: () => void): void => {
      clearTimeout(late)
      clearTimeout(leave)
      socket.destroy()
      settle()
    }
    const late = setTimeout(
      () => end(() => reject(new TookTooLong(`no whole answer within ${deadlineMs} ms: ${reader.seen(200)}`))),
      deadlineMs,
    )
    const leave =
      request.leaveAfterMs === undefined
        ? undefined
        : setTimeout(() => end(() => resolve(reader.answer(true))), request.leaveAfterMs)
    socket.on('data', (chunk) => {
      reader.push(chunk)
      if (reader.isComplete) end(() => resolve(reader.answer(false)))
    })
    // A reset after an answer is how a server ends a request that it does not want to read to its end.
    socket.on('error', () => end(() => resolve(reader.answer(false))))
    socket.on('end', () => end(() => resolve(reader.answer(false))))
    send(socket, request)
  })

const send = (socket: Socket, { bytes, cut }: WireRequest): void => {
  socket.write(bytes)
  if (cut === true) socket.end()
}

/** Takes the bytes of an answer apart. Just enough for answers of node:http. */
class AnswerReader {
  #bytes = Buffer.alloc(0)
  readonly #head: boolean

  constructor(head: boolean) {
    this.#head = head
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    // 100 Continue and the like are no answers.
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0 || !/^HTTP\/1\.1 1(?!01)\d\d /.test(this.#bytes.toString('latin1', 0, 14))) return
      this.#bytes = this.#bytes.subarray(end + 4)
    }
  }

  seen(length: number): string {
    return this.#bytes.toString('latin1', 0, length)
  }

  get isComplete(): boolean {
    const { status, headers, bodyAt } = this.#parsed()
    if (bodyAt < 0) return false
    if (this.#head || status === 204 || status === 304 || status === 101) return true
    const length = headers.get('content-length')
    if (length !== undefined) return this.#bytes.length >= bodyAt + Number(length)
    return headers.get('transfer-encoding') === 'chunked' && this.#bytes.indexOf('\r\n0\r\n\r\n', bodyAt - 2) >= 0
  }

  answer(left: boolean): Answer {
    const { status, headers, bodyAt } = this.#parsed()
    const length = Number(headers.get('content-length') ?? Number.POSITIVE_INFINITY)
    const raw = bodyAt < 0 ? Buffer.alloc(0) : this.#bytes.subarray(bodyAt, bodyAt + length)
    const body = headers.get('transfer-encoding') === 'chunked' ? unchunked(raw) : raw
    return { status, headers, body: body.toString('utf8'), left }
  }

  #parsed(): { status: number; headers: ReadonlyMap<string, string>; bodyAt: number } {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end < 0) return { status: 0, headers: new Map(), bodyAt: -1 }
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers: new Map(headers), bodyAt: end + 4 }
  }
}

const unchunked = (bytes: Buffer): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at)
    const size = line < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (!(size > 0)) break
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
  return Buffer.concat(parts)
}
