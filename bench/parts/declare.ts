/** Where an API is, and who asks. */
export interface Api {
  readonly server: string
  readonly token: string
}

/** Sends one request. @throws Error for anything but an answer of 2xx */
export const api = async ({ server, token }: Api, method: string, path: string, body?: object): Promise<unknown> => {
  const response = await fetch(`${server}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text.slice(0, 500)}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Declares a server that is not to run. */
export const declare = (at: Api, name: string, description: string): Promise<unknown> =>
  api(at, 'PUT', `/servers/${name}`, { metadata: { name }, spec: { command: 'node', replicas: 0, description } })
