/** What mcpd answered. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** mcpd's HTTP API with one token. A request without an answer (mcpd was killed) is undefined. */
export interface Api {
  /** With `noWait` it is answered once it is durable, and not when rows show it. */
  send(
    method: string,
    path: string,
    options?: { body?: unknown; key?: string; noWait?: boolean },
  ): Promise<Answer | undefined>
  /** Reads JSON. @throws when the answer is not 200. */
  read(path: string): Promise<unknown>
}

export const api = (url: string, token: string): Api => {
  const send: Api['send'] = async (method, path, { body, key, noWait } = {}) => {
    try {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(noWait === true ? { prefer: 'respond-async' } : {}),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json() }
    } catch {
      return undefined
    }
  }
  return {
    send,
    async read(path) {
      const answer = await send('GET', path)
      if (answer?.status !== 200) throw new Error(`GET ${path}: ${JSON.stringify(answer)}`)
      return answer.body
    },
  }
}
