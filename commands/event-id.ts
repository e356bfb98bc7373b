import { createHash } from 'node:crypto'

/** A UUID (version 8: our own scheme) made from any parts, so that equal parts give equal ids on every machine. */
export const derivedUuid = (...parts: readonly string[]): string => {
  const hash = createHash('sha256').update(parts.join('\u001f')).digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The id of a command's `index`-th event on a stream: a repeated command writes the same ids and so has one effect. */
export const eventId = (commandId: string, stream: string, index: number): string =>
  derivedUuid('event', commandId, stream, String(index))
