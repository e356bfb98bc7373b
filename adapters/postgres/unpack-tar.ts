import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A tar archive is made of blocks: one that says what follows, then the content, filled up to whole blocks. */
const BLOCK = 512
const NAME = [0, 100] as const
const SIZE = [124, 136] as const
const TYPE = [156, 157] as const
const PREFIX = [345, 500] as const

/**
 * Writes the files and folders of a tar archive of our own below `folder`, for its owner only, piece by piece as they come.
 * @throws Error for an archive that is cut off or holds something else, what the disk throws
 */
export const unpackTar = async (archive: AsyncIterable<Buffer>, folder: string): Promise<void> => {
  const read = reader(archive)
  for (;;) {
    const header = await block(read)
    const field = ([from, to]: readonly [number, number]) => header.toString('utf8', from, to).split('\0', 1)[0] ?? ''
    const name = field(NAME)
    if (name === '') return
    const path = join(folder, field(PREFIX), name)
    const type = field(TYPE)
    if (type === '5') mkdirSync(path, { recursive: true, mode: 0o700 })
    else if (type === '0' || type === '') await writeContent(read, path, Number.parseInt(field(SIZE), 8))
    else throw new Error(`the archive holds ${name}, which is neither file nor folder`)
  }
}

/** At most so many bytes of what comes next; none at the end. */
type Read = (bytes: number) => Promise<Buffer>

const reader = (chunks: AsyncIterable<Buffer>): Read => {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  return async (bytes) => {
    if (rest.length === 0) {
      const { done, value } = await iterator.next()
      if (done === true) throw new Error('the archive is cut off')
      rest = value
    }
    const piece = rest.subarray(0, bytes)
    rest = rest.subarray(piece.length)
    return piece
  }
}

const block = async (read: Read): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for (let left = BLOCK; left > 0; ) {
    const piece = await read(left)
    pieces.push(piece)
    left -= piece.length
  }
  return Buffer.concat(pieces)
}

const writeContent = async (read: Read, path: string, size: number): Promise<void> => {
  // There are a thousand small ones: a thread of the pool for each would take longer.
  const file = openSync(path, 'wx', 0o600)
  try {
    for (let left = size; left > 0; ) {
      const piece = await read(left)
      left -= piece.length
      for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at)
    }
  } finally {
    closeSync(file)
  }
  for (let left = (BLOCK - (size % BLOCK)) % BLOCK; left > 0; ) left -= (await read(left)).length
}
