import { isObject, type JsonValue } from './json.ts'
import type { Column } from './kind.ts'
import type { Resource } from './resource.ts'

/** NAME: every kind's first column. */
export const nameColumn: Column = { header: 'NAME', value: (resource) => resource.metadata.name }

/** AGE since creation, as kubectl writes it. */
export const ageColumn: Column = {
  header: 'AGE',
  value: ({ metadata }, now) => (metadata.createdAt === undefined ? '' : age(metadata.createdAt, now)),
}

/** A column of one member of `spec` or `status`, by its dotted path: `status.phase`. Lists are joined by commas. */
export const field = (header: string, path: string, options: { wide?: true } = {}): Column => ({
  header,
  ...options,
  value: (resource) => show(at(resource, path)),
})

/** A state as columns show it: `running` is `Running`. Anything else than a text is ''. */
export const title = (text: JsonValue | undefined): string =>
  typeof text === 'string' ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : ''

/** Time since `iso`, kubectl's way: `45s`, `12m`, `3h`, `7d`. Never negative: clocks differ. */
export const age = (iso: string, now: Date): string => {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(iso)) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86400)}d`
}

const at = (resource: Resource, path: string): JsonValue | undefined => {
  const [root, ...rest] = path.split('.')
  let value: JsonValue | undefined =
    root === 'spec' ? resource.spec : root === 'status' ? (resource.status ?? {}) : undefined
  for (const key of rest) value = isObject(value) ? value[key] : undefined
  return value
}

const show = (value: JsonValue | undefined): string => {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(show).join(',')
  return typeof value === 'object' ? Object.keys(value).join(',') : String(value)
}
