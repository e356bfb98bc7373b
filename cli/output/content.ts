import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import { neutralLine, neutralText } from './neutral.ts'
import type { Output } from './output.ts'

/** Bytes that an answer holds: what they are, and how many there are or what they are. */
interface Held {
  readonly kind: string
  readonly type: string
  readonly bytes: Uint8Array
}

/** Keeps what is no text; answers where it is. */
export type Keep = (held: Held, name: string | undefined) => Promise<string>

/**
 * What a tool has answered, for people: texts as they are, on a terminal without what it would obey, and a line for anything else
 * with what it is and how long.
 * @param keep where what is no text goes, if it is to be kept
 */
export const printContent = async (out: Output, result: JsonObject, keep?: Keep): Promise<void> => {
  const blocks = Array.isArray(result.content) ? result.content : []
  const show = (text: string) => out.line(out.isTTY ? neutralText(text) : text)
  for (const block of blocks) for (const text of await blockTexts(block, keep)) show(text)
  if (blocks.length === 0 && result.structuredContent !== undefined)
    show(JSON.stringify(result.structuredContent, null, 2))
}

const blockTexts = async (block: JsonValue, keep: Keep | undefined): Promise<readonly string[]> => {
  if (!isObject(block)) return [JSON.stringify(block)]
  const { type, text, data, mimeType, resource } = block
  if (type === 'text' && typeof text === 'string') return [text]
  if ((type === 'image' || type === 'audio') && typeof data === 'string')
    return [await heldLine({ kind: type, type: nameOf(mimeType), bytes: bytesOf(data) }, undefined, keep)]
  if (type === 'resource' && isObject(resource)) return await resourceTexts(resource, keep)
  if (type === 'resource_link') return [linkLine(block)]
  return [JSON.stringify(block, null, 2)]
}

const resourceTexts = async (
  { uri, mimeType, text, blob }: JsonObject,
  keep: Keep | undefined,
): Promise<readonly string[]> => {
  const name = typeof uri === 'string' ? uri : undefined
  const held = (bytes: Uint8Array) => heldLine({ kind: 'resource', type: nameOf(mimeType), bytes }, name, keep)
  if (typeof text === 'string') return [await held(Buffer.from(text)), ...(keep === undefined ? [text] : [])]
  return [await held(bytesOf(typeof blob === 'string' ? blob : ''))]
}

const heldLine = async (held: Held, name: string | undefined, keep: Keep | undefined): Promise<string> => {
  const { kind, type, bytes } = held
  const what = [kind, name, type, sizeText(bytes.length)].filter((part) => part !== undefined && part !== '')
  const kept = keep === undefined ? '' : ` → ${await keep(held, name)}`
  return `[${neutralLine(what.join(' '))}]${neutralLine(kept)}`
}

const linkLine = ({ uri, name, mimeType, size }: JsonObject): string => {
  const what = ['link', nameOf(uri), nameOf(name), nameOf(mimeType), typeof size === 'number' ? sizeText(size) : '']
  return `[${neutralLine(what.filter((part) => part !== '').join(' '))}]`
}

const nameOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64')

/** `512 B`, `1.4 KiB`, `3.0 MiB`. */
export const sizeText = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}
