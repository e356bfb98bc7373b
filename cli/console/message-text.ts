import { isObject } from '../../domain/kernel/json.ts'
import type { Entry } from './filter.ts'
import { safeLine } from './safe-text.ts'

/** What a message is, in one safe line: `tools/call a__read`, `result of tools/call`, `error of tools/call: no such file`. */
export const summary = ({ record }: Entry): string => {
  const { method, outcome, message } = record
  if (outcome === undefined) return safeLine([method, subject(message?.params)].filter(Boolean).join(' '))
  const of = method === undefined ? '' : ` of ${method}`
  if (outcome === 'ok') return safeLine(`result${of}`)
  const why = outcome === 'error' ? message?.error?.message : firstText(message?.result?.content)
  return safeLine(`${outcome === 'error' ? 'error' : 'failed result'}${of}${why === undefined ? '' : `: ${why}`}`)
}

/** What a request is about: the name of a tool, the URI of a resource, the request that is cancelled. */
const subject = (params: unknown): string | undefined => {
  if (!isObject(params)) return undefined
  for (const key of ['name', 'uri', 'requestId', 'level', 'message', 'progress']) {
    const value = params[key]
    if (typeof value === 'string' || typeof value === 'number') return String(value)
  }
  return isObject(params.ref) ? String(params.ref.name ?? params.ref.uri ?? '') : undefined
}

const firstText = (content: unknown): string | undefined => {
  const [first] = Array.isArray(content) ? content : []
  return isObject(first) && typeof first.text === 'string' ? first.text : undefined
}

/** `12:00:01.123`, in the time of this machine. */
export const clock = (at: string): string => {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return '??:??:??.???'
  const two = (number: number) => String(number).padStart(2, '0')
  const ms = String(time.getMilliseconds()).padStart(3, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`
}

/** `212 B`, `1.4 kB`, `10 MB`. */
export const size = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB']
  let [value, unit] = [bytes, 0]
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** `0.4 ms`, `120 ms`, `3.2 s`; nothing where it is not known. */
export const duration = (ms: number | undefined): string => {
  if (ms === undefined) return ''
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Where a message passed, and which way: `client →`, `files ←`. */
export const place = ({ record }: Entry): { readonly where: string; readonly arrow: '→' | '←' } => ({
  where: record.side === 'client' ? 'client' : safeLine(record.server ?? '?'),
  arrow: record.direction === 'to-server' ? '→' : '←',
})
