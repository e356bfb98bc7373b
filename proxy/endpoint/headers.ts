import type { IncomingMessage } from 'node:http'
import { type Refusal, refusal } from './refusal.ts'

/** The token of `Authorization: Bearer …`, or undefined. Whether it is any good is mcpd's to say. */
export const bearerOf = (request: IncomingMessage): string | undefined => {
  const { authorization } = request.headers
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const token = authorization.slice(7).trim()
  return token === '' ? undefined : token
}

/** Which forms of an answer a client takes. */
export interface Accepts {
  readonly json: boolean
  readonly sse: boolean
  /** It takes both, and would rather have a stream: that has more weight, or as much and stands first. */
  readonly ratherSse: boolean
}

/** `Accept` values seen last: a client sends the same one each time. */
const acceptCache = new Map<string, Accepts>()
const MAX_ACCEPTS = 64

/** Reads `Accept`; none means all. */
export const acceptsOf = (request: IncomingMessage): Accepts => {
  const header = request.headers.accept ?? '*/*'
  const known = acceptCache.get(header)
  if (known !== undefined) return known
  const types = header.toLowerCase().split(',').map(mediaRange)
  const best = (...wanted: string[]) =>
    types.reduce<MediaRange | undefined>(
      (best, type) => (wanted.includes(type.name) && type.weight > (best?.weight ?? 0) ? type : best),
      undefined,
    )
  const json = best('application/json', 'application/*', '*/*')
  const sse = best('text/event-stream', 'text/*', '*/*')
  const ratherSse =
    json !== undefined &&
    sse !== undefined &&
    (sse.weight > json.weight || (sse.weight === json.weight && types.indexOf(sse) < types.indexOf(json)))
  const accepts = { json: json !== undefined, sse: sse !== undefined, ratherSse }
  if (acceptCache.size >= MAX_ACCEPTS) acceptCache.clear()
  acceptCache.set(header, accepts)
  return accepts
}

interface MediaRange {
  readonly name: string
  /** 0 to 1; 1 where it says nothing. */
  readonly weight: number
}

const mediaRange = (text: string): MediaRange => {
  const [name = '', ...parameters] = text.split(';').map((word) => word.trim())
  const weight = parameters.flatMap((parameter) => /^q=([01](?:\.\d*)?)$/.exec(parameter)?.[1] ?? [])[0]
  return { name, weight: weight === undefined ? 1 : Number(weight) }
}

export const isJson = (request: IncomingMessage): boolean => {
  const type = request.headers['content-type']
  return type === 'application/json' || /^application\/json\s*(;|$)/i.test(type?.trim() ?? '')
}

/** Which `Host` and `Origin` headers are let in: a page in a browser must not reach a local endpoint under a name of its own. */
export interface Doors {
  readonly hosts: ReadonlySet<string>
  readonly origins: ReadonlySet<string>
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * @param host that we listen on: let in too, unless it is a wildcard
 * @param allowedHosts `name` for any port of it, or `name:port`; added to the loopback names with our port
 * @param allowedOrigins in full (`https://inspector.example`); added to the loopback ones with our port
 */
export const doorsOf = (
  host: string,
  port: number,
  allowedHosts: readonly string[] = [],
  allowedOrigins: readonly string[] = [],
): Doors => {
  const wildcard = host === '0.0.0.0' || host === '::' || host === ''
  const names = new Set(wildcard ? LOOPBACK : [...LOOPBACK, host.includes(':') ? `[${host}]` : host.toLowerCase()])
  const own = [...names].flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))
  return {
    hosts: new Set([...own, ...allowedHosts.map((name) => name.toLowerCase())]),
    origins: new Set([...own.map((name) => `http://${name}`), ...allowedOrigins.map((origin) => origin.toLowerCase())]),
  }
}

/** Why a request is not let in, or undefined. */
export const doorRefusal = (request: IncomingMessage, doors: Doors): Refusal | undefined => {
  const { host, origin } = request.headers
  const name = host?.toLowerCase() ?? ''
  if (!doors.hosts.has(name) && !doors.hosts.has(name.replace(/:\d+$/, '')))
    return refusal(403, 'host-not-allowed', `Host ${JSON.stringify(host ?? '')} is not allowed`, {
      hint: 'Allow it in the configuration of mcplocal if it is yours',
    })
  if (origin !== undefined && !doors.origins.has(origin.toLowerCase()))
    return refusal(403, 'origin-not-allowed', `Origin ${JSON.stringify(origin)} is not allowed`, {
      hint: 'Allow it in the configuration of mcplocal if it is yours',
    })
  return undefined
}
