import { parse } from 'yaml'
import { usageError } from '../errors.ts'
import { keyValue } from './flags.ts'

type Json = Record<string, unknown>

/**
 * Sets `path=value` in a spec: `healthCheck.tool=ping`, `servers.0.name=a`, `args=[a, b]`. The value is read as YAML; the objects and
 * lists on the way are made.
 */
export const setPath = (spec: Readonly<Json>, text: string): Json => {
  const [path, value] = keyValue('--set', text)
  const keys = path.split('.')
  if (keys.some((key) => key === '' || key === '__proto__' || key === 'constructor'))
    throw usageError(`--set: "${path}" is no path of a field`, 'Example: --set replicas=2')
  return put(spec, keys, scalar(path, value)) as Json
}

const put = (at: unknown, [key, ...rest]: readonly string[], value: unknown): unknown => {
  if (key === undefined) return value
  if (/^\d+$/.test(key)) {
    const list = Array.isArray(at) ? [...at] : []
    const index = Number(key)
    if (index > list.length) throw usageError(`--set: there is no entry ${index - 1} before entry ${index}`)
    list[index] = put(list[index], rest, value)
    return list
  }
  const object = typeof at === 'object' && at !== null && !Array.isArray(at) ? { ...at } : {}
  return { ...object, [key]: put((object as Json)[key], rest, value) }
}

const scalar = (path: string, text: string): unknown => {
  try {
    return parse(text)
  } catch {
    throw usageError(`--set ${path}: the value is no YAML`, 'Put quotes around it')
  }
}
