import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { HttpFailure, noAnswer } from './failures.ts'

/** What servers may pack their answers with. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate'

const UNPACK = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
}
const isKnown = (encoding: string): encoding is keyof typeof UNPACK => Object.hasOwn(UNPACK, encoding)

/** A body as it was before it was packed. @throws HttpFailure for an encoding that was not asked for */
export const unpacked = (body: Readable, contentEncoding: string | undefined): Readable => {
  const encoding = (contentEncoding ?? '').trim().toLowerCase()
  if (encoding === '' || encoding === 'identity') return body
  if (!isKnown(encoding)) {
    body.destroy()
    throw new HttpFailure(
      noAnswer(`it is packed with ${JSON.stringify(encoding.slice(0, 64))}, which was not asked for`),
    )
  }
  // Errors of either reach who reads; destroying the one destroys the other.
  const plain = pipeline(body, UNPACK[encoding](), () => {})
  plain.on('error', () => {})
  return plain
}
