import { invalidEvent } from '../../domain/kernel/log-errors.ts'

/** Bytes of a stream's name that fit into a key: LMDB allows 1978, and a length and a revision stand beside it. */
const MAX_NAME_BYTES = 1900
/** Characters that fit whatever they are: none takes more than three bytes. */
const SURE_TO_FIT = MAX_NAME_BYTES / 3
const REVISION_BYTES = 6

/** Largest revision that a key can hold. */
export const LAST_REVISION = 2 ** 48 - 1

/** Key of the stream index. The name's length stands before it, so no name is a part of another's range. */
export type StreamKey = [stream: string, revision: number]

/** @throws InvalidEvent for a name that does not fit into a key */
export const assertKeyFits = (stream: string): void => {
  if (stream.length > SURE_TO_FIT && Buffer.byteLength(stream) > MAX_NAME_BYTES) {
    throw invalidEvent(`stream name of more than ${MAX_NAME_BYTES} bytes`)
  }
}

const writeName = (name: string, target: Buffer, start: number): number => {
  const length = target.write(name, start + 2, MAX_NAME_BYTES, 'utf8')
  target.writeUInt16BE(length, start)
  return start + 2 + length
}

/** Writes a stream and a revision in an order-preserving way; reads back the revision alone: ranges are of one stream. */
export const streamRevisionKeys = {
  writeKey: ([stream, revision]: StreamKey, target: Buffer, start: number): number => {
    const end = writeName(stream, target, start)
    return target.writeUIntBE(revision, end, REVISION_BYTES)
  },
  readKey: (source: Buffer, _start: number, end: number): number =>
    Buffer.from(source.buffer, source.byteOffset).readUIntBE(end - REVISION_BYTES, REVISION_BYTES),
}

export const streamKeys = {
  writeKey: writeName,
  readKey: (source: Buffer, start: number, end: number): string =>
    Buffer.from(source.buffer, source.byteOffset).toString('utf8', start + 2, end),
}

/** Positions of consecutive events of one stream, 6 bytes each. */
export const encodePositions = (positions: readonly number[]): Buffer => {
  const bytes = Buffer.allocUnsafe(positions.length * REVISION_BYTES)
  for (const [index, position] of positions.entries())
    bytes.writeUIntBE(position, index * REVISION_BYTES, REVISION_BYTES)
  return bytes
}

export const positionAt = (chunk: Buffer, index: number): number =>
  chunk.readUIntBE(index * REVISION_BYTES, REVISION_BYTES)

export const positionsIn = (chunk: Buffer): number => chunk.length / REVISION_BYTES
