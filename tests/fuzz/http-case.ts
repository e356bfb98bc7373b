import type { Dice } from './dice.ts'
import { jsonText } from './hostile.ts'
import { type Draft, parsed, wrongsOf } from './http-wrongs.ts'
import type { Operation, Parameter } from './operations.ts'
import { NAMES, sample, workingSpec } from './sample.ts'
import type { WireRequest } from './wire.ts'

/** One request that is wrong in one or more ways. */
export interface HttpCase extends WireRequest {
  /** Whether the document, or HTTP, says that it cannot be accepted; else it may be, or not. */
  readonly mustRefuse: boolean
  readonly dryRun: boolean
}

/** Makes the request of one case: a working one, then up to three things wrong with it. */
export const httpCase = (dice: Dice, operation: Operation, token: string): HttpCase => {
  const draft = working(dice, operation, token)
  const wrongs = wrongsOf(operation)
  for (let count = dice.pick([1, 1, 1, 1, 2, 3]); count > 0; count -= 1) dice.pick(wrongs)(dice, draft, operation)
  return written(harmless(operation, draft))
}

const working = (dice: Dice, operation: Operation, token: string): Draft => {
  const name = dice.pick(NAMES)
  const given = (where: Parameter['in']): [string, string][] =>
    operation.parameters
      .filter((each) => each.in === where && each.schema.not === undefined && dice.chance(0.3))
      // Requests that wait are tried out elsewhere: a thousand of them take too long here.
      .filter((each) => !['changedAfter', 'minPosition', 'follow'].includes(each.name))
      .map(({ name: parameter, schema }) => [parameter, String(sample(dice, schema))])
  const body = operation.body === undefined ? undefined : manifest(dice, operation, name)
  return {
    method: operation.method,
    path: operation.path.replace('{name}', name),
    query: given('query'),
    headers: [
      ['Host', '127.0.0.1'],
      ['Authorization', `Bearer ${token}`],
      ...(body === undefined ? [] : ([['Content-Type', 'application/json']] as [string, string][])),
      ...given('header').map(([key, value]): [string, string] => [key, key === 'if-match' ? '"0"' : value]),
    ],
    body: body === undefined ? undefined : Buffer.from(jsonText(body)),
    cut: false,
    mustRefuse: false,
    badName: false,
    raw: undefined,
  }
}

const manifest = (dice: Dice, { body, path }: Operation, name: string): unknown => {
  const made = sample(dice, body ?? {}) as { kind?: string; metadata: Record<string, unknown>; spec: unknown }
  const kind = String(body?.properties?.kind?.enum?.[0] ?? /v1\/(\w+)s/.exec(path)?.[1])
  return { ...made, metadata: { ...made.metadata, name }, spec: dice.chance(0.8) ? workingSpec(dice, kind) : made.spec }
}

/** Nothing that is accepted may start a program: what could is made to want no copy of it. */
const harmless = ({ fits, path }: Operation, draft: Draft): Draft => {
  if (fits === undefined || draft.body === undefined) return draft
  const value = parsed(draft.body.toString('utf8'))
  if (!fits(value)) return { ...draft, mustRefuse: true }
  if (!path.startsWith('/api/v1/servers')) return draft
  const manifest = value as { spec: object }
  return { ...draft, body: Buffer.from(jsonText({ ...manifest, spec: { ...manifest.spec, replicas: 0 } })) }
}

const written = (draft: Draft): HttpCase => {
  const { method, path, query, headers, body, cut, raw } = draft
  const search = query.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join('&')
  const framed = headers.some(([key]) => key === 'Content-Length' || key === 'Transfer-Encoding')
  const all: [string, string][] = [
    ...headers,
    ...(body === undefined || framed ? [] : ([['Content-Length', String(body.length)]] as [string, string][])),
    ...(headers.some(([key]) => key === 'Connection') ? [] : ([['Connection', 'close']] as [string, string][])),
  ]
  const head = [`${method} ${path}${search === '' ? '' : `?${search}`} HTTP/1.1`, ...all.map(([k, v]) => `${k}: ${v}`)]
  const bytes =
    raw?.bytes ?? Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)])
  const dryRun = query.some(([key, value]) => key === 'dryRun' && value === 'true')
  return {
    bytes,
    cut: cut && raw === undefined,
    head: method === 'HEAD',
    mustRefuse: raw?.mustRefuse ?? (draft.mustRefuse || draft.badName),
    dryRun,
  }
}

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed())
