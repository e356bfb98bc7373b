import type { Dice } from './dice.ts'
import { hostileNumber, hostileText, jsonText } from './hostile.ts'
import { mutated, mutatedBytes } from './mutate.ts'
import type { Operation } from './operations.ts'

/** The parts of a request before they are written down. */
export interface Draft {
  method: string
  /** Percent-encoded, or broken on purpose. */
  path: string
  query: [string, string][]
  headers: [string, string][]
  body: Buffer | undefined
  cut: boolean
  mustRefuse: boolean
  /** The same, for the name in its path. */
  badName: boolean
  /** Instead of all of the above. */
  raw: { readonly bytes: Buffer; readonly mustRefuse: boolean } | undefined
}

/** Makes one thing wrong. */
type Wrong = (dice: Dice, draft: Draft, operation: Operation) => void

/** What may be wrong with a request of this operation; what is there several times comes more often. */
export const wrongsOf = (operation: Operation): readonly Wrong[] => [
  ...(operation.body === undefined ? [] : Array.from({ length: 6 }, () => wrongBody)),
  ...(operation.parameters.some((each) => each.in === 'path') ? [wrongName, wrongName, wrongPath] : [wrongPath]),
  ...(operation.parameters.some((each) => each.in === 'query') ? [wrongQuery, wrongQuery] : []),
  ...(operation.parameters.some((each) => each.in === 'header') ? [wrongHeader, wrongHeader] : []),
  wrongToken,
  wrongFraming,
  wrongBytes,
  strayHeader,
  strayBody,
  otherMethod,
]

const wrongBody: Wrong = (dice, draft) => {
  const text = draft.body?.toString('utf8') ?? ''
  if (dice.chance(0.25)) draft.body = mutatedBytes(dice, text)
  else if (dice.chance(0.05)) draft.body = Buffer.from(twice(dice, text))
  else draft.body = Buffer.from(jsonText(mutated(dice, parsed(text) ?? {})))
}

/** The first member a second time: which of two counts is nothing to rely on. */
const twice = (dice: Dice, text: string): string =>
  text.replace(
    '{',
    `{"kind":"server",${dice.pick(['"spec":null,', '"metadata":{"name":"a","name":"b"},', '"__proto__":{},'])}`,
  )

/** A body that is JSON; undefined for one that is none. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) // a mark at the beginning is allowed
  } catch {
    return undefined // an earlier mutation of the same case has broken it
  }
}

const RAW_NAMES = [
  '%',
  '%zz',
  '%2',
  '%c0%af',
  '%ff',
  '%00',
  '%2e%2e%2fx',
  '..%2fx',
  '../x',
  '%ud800',
  ';x',
  'a%20b',
  '%F0%9F%98%80',
]

const wrongName: Wrong = (dice, draft, { path }) => {
  const [before = '', after = ''] = path.split('{name}')
  const name = hostileText(dice).toWellFormed()
  const raw = dice.chance(0.3) ? dice.pick(RAW_NAMES) : undefined
  draft.path = `${before}${raw ?? encodeURIComponent(name)}${after}`
  // The last name counts: what was wrong with one before it is gone.
  draft.badName = raw !== undefined || !DNS_LABEL.test(name)
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

const wrongPath: Wrong = (dice, draft) => {
  draft.path = dice.pick([
    () => `${draft.path}/`,
    () => `${draft.path}/${encodeURIComponent(hostileText(dice).toWellFormed())}`,
    () => `/${draft.path}`,
    () => draft.path.toUpperCase(),
    () => draft.path.replace('/api', '/api/../api'),
    () => draft.path.replaceAll('/', '%2f'),
    () => `${draft.path}%`,
    () => `${draft.path}${'/x'.repeat(3_000)}`,
    () => `http://evil.example${draft.path}`,
    () => '*',
    () => `${draft.path}#x`,
    () => `${draft.path};v=1`,
    () => `/${'a'.repeat(20_000)}`,
  ])()
}

const wrongQuery: Wrong = (dice, draft, { parameters }) => {
  const known = parameters.filter((each) => each.in === 'query').map(({ name }) => name)
  const name = dice.chance(0.8) ? dice.pick(known) : hostileText(dice)
  draft.query.push([name, queryValue(dice, name)])
  if (name === 'changedAfter') draft.query.push(['timeoutSeconds', '1']) // it may be one to wait for
  if (dice.chance(0.1)) draft.query.push([name, queryValue(dice, name)])
}

const queryValue = (dice: Dice, name: string): string =>
  dice.weighted([
    [3, () => hostileText(dice)],
    [2, () => String(hostileNumber(dice))],
    [name === 'cursor' ? 4 : 0, () => madeUpCursor(dice)],
    [name === 'labelSelector' ? 3 : 0, () => Array.from({ length: dice.below(9) }, () => dice.pick(SELECTOR)).join('')],
  ])

const SELECTOR = [
  'a',
  'team',
  '=',
  '!=',
  '==',
  '!',
  ',',
  '(',
  ')',
  ' in ',
  ' notin ',
  ' ',
  'x/y',
  '"',
  "'",
  '\\',
  '\0',
  '%',
  'é',
]

/** Looks like one of the server's own, with something else inside. */
const madeUpCursor = (dice: Dice): string => {
  const scope = dice.pick([
    'server',
    'secret',
    'project',
    'instance',
    'secretbackend',
    'server/fuzz-a',
    'secret/fuzz-a',
  ])
  const at = dice.pick<unknown>([hostileText(dice), hostileNumber(dice), '\ud800', '999999999999999999', '-1', null])
  return Buffer.from(JSON.stringify([scope, at])).toString('base64url')
}

const wrongHeader: Wrong = (dice, draft, { parameters }) => {
  const { name, schema } = dice.pick(parameters.filter((each) => each.in === 'header'))
  const value = dice.weighted([
    [3, () => headerText(hostileText(dice))],
    [1, () => String(hostileNumber(dice))],
    [1, () => `W/"${dice.below(9)}"`],
    [1, () => `"${'9'.repeat(dice.pick([18, 19, 20, 400]))}"`],
    [1, () => '*'],
  ])
  draft.headers.push([name, value])
  // Of a header that stands twice Node makes one, joined by a comma.
  const all = draft.headers.filter(([key]) => key.toLowerCase() === name).map(([, each]) => each.trim())
  if (schema.not !== undefined || (schema.pattern !== undefined && !new RegExp(schema.pattern).test(all.join(', '))))
    draft.mustRefuse = true
}

/** Header values are bytes; what cannot stand in one at all is tried by `wrongBytes`. */
const headerText = (text: string): string =>
  Buffer.from(text.replace(/\p{Cc}/gu, '?'))
    .toString('latin1')
    .slice(0, 4_000)

const wrongToken: Wrong = (dice, draft, { open }) => {
  draft.headers = draft.headers.filter(([key]) => key !== 'Authorization')
  const value = dice.pick([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer mcpctl_at_x',
    `Bearer mcpctl_at_${'A'.repeat(43)}`,
    `Bearer mcpctl_at_${'A'.repeat(4_000)}`,
    'Bearer a b',
    `bearer ${headerText(hostileText(dice))}`,
  ])
  if (value !== undefined) draft.headers.push(['Authorization', value])
  if (!open) draft.mustRefuse = true
}

/** Lengths and codings that do not go with the body. */
const wrongFraming: Wrong = (dice, draft, { body: takes }) => {
  // Elsewhere the answer may come before the body is looked at.
  const takesBody = takes !== undefined
  const body = draft.body ?? Buffer.from('{}')
  draft.body = body
  const [name, value, refused] = dice.pick([
    ['Content-Length', String(body.length + 10), takesBody],
    ['Content-Length', '-1', true],
    ['Content-Length', '1e3', true],
    ['Content-Length', '99999999999999999999', true],
    ['Transfer-Encoding', 'chunked', takesBody],
    ['Transfer-Encoding', 'gzip', true],
    ['Transfer-Encoding', 'chunked, chunked', true],
    ['Content-Type', 'text/plain', false],
    ['Content-Type', 'application/json; charset=utf-16', false],
    ['Content-Type', 'application/json\u00ff', false],
    ['Content-Type', 'multipart/form-data; boundary=x', false],
    ['Content-Type', '', false],
    ['Content-Type', 'x'.repeat(2_000), false],
    ['Content-Encoding', 'gzip', false],
    ['Expect', 'a-miracle', false],
    ['Expect', '100-continue', false],
  ] as const)
  if (name === 'Content-Length' || name === 'Transfer-Encoding') draft.cut = true
  if (name === 'Content-Type') draft.headers = draft.headers.filter(([key]) => key !== 'Content-Type')
  draft.headers.push([name, value])
  if (refused) draft.mustRefuse = true
}

/** What is no HTTP, or hardly. */
const wrongBytes: Wrong = (dice, draft, { open }) => {
  const head = `${draft.method} ${draft.path}`
  const [lines, isHttp] = dice.pick<readonly [lines: string, isHttp: boolean]>([
    [`${head} HTTP/9.9\r\n\r\n`, false],
    [`${head}\r\n\r\n`, true],
    [`${head} HTTP/1.1\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, true],
    [`${head} HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\n folded: x\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n`, false],
    [`${head} HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(5_000)}\r\n`, true],
    [`${head} HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`, false],
    [`${head}\0 HTTP/1.1\r\nHost: a\r\n\r\n`, false],
    [`FROBNICATE ${draft.path} HTTP/1.1\r\nHost: a\r\n\r\n`, false],
    [`CONNECT ${draft.path} HTTP/1.1\r\nHost: a\r\n\r\n`, false],
    ['\u0016\u0003\u0001\u0002\0\u0001\0\u0001', false],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', false],
  ])
  // None of them says who is asking.
  draft.raw = { bytes: Buffer.from(lines, 'latin1'), mustRefuse: !isHttp || !open }
}

const strayHeader: Wrong = (dice, draft) => {
  const [name, value] = dice.pick([
    ['Accept', headerText(hostileText(dice))],
    ['Accept', 'text/html;q=x, */*;q=0'],
    ['Accept-Encoding', 'identity;q=0, *;q=0'],
    ['Upgrade', 'websocket'],
    ['Upgrade', 'h2c'],
    ['Origin', 'null'],
    ['Host', headerText(hostileText(dice))],
    ['Traceparent', headerText(hostileText(dice))],
    ['X-Forwarded-For', headerText(hostileText(dice))],
    ['X-Http-Method-Override', 'DELETE'],
    ['Range', 'bytes=0-,-1'],
    ['If-None-Match', '*'],
    ['If-Modified-Since', 'x'],
    ['Cookie', 'a='.repeat(1_000)],
    ['Last-Event-ID', headerText(hostileText(dice))],
    ['Prefer', `respond-async, ${headerText(hostileText(dice)).slice(0, 300)}`],
    ['__proto__', 'x'],
  ] as const)
  if (name === 'Upgrade') draft.headers.push(['Connection', 'Upgrade'])
  draft.headers.push([name, value])
}

/** A body where none belongs, or a broken one where one does. */
const strayBody: Wrong = (dice, draft) => {
  draft.body = dice.pick([
    Buffer.from('{'),
    Buffer.from('null'),
    Buffer.from('[]'),
    Buffer.from(hostileText(dice)),
    Buffer.from('{"__proto__":{"x":1}}'),
    Buffer.from('['.repeat(100_000)),
    Buffer.alloc(1024 * 1024 + 1, 0x20),
  ])
  if (!draft.headers.some(([key]) => key === 'Content-Type')) draft.headers.push(['Content-Type', 'application/json'])
}

const otherMethod: Wrong = (dice, draft) => {
  draft.method = dice.pick(['HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'POST', 'PROPFIND', 'get'])
}
