import { open } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '../../domain/kernel/errors.ts'
import { dataFolderCorrupt } from './folder-errors.ts'

const PAGE = 4096
const MAGIC = 0xbeefc0de
/** LMDB's mark for a tree without pages. */
const NO_ROOT = 0xffff_ffff_ffff_ffffn

/** What is looked at in one of the two meta pages of an LMDB file, which take turns. */
interface Meta {
  readonly magic: number
  readonly pageSize: number
  readonly transaction: bigint
  readonly roots: readonly bigint[]
}

const readMeta = (bytes: Buffer, start: number): Meta => ({
  magic: bytes.readUInt32LE(start + 0x18),
  pageSize: bytes.readUInt32LE(start + 0x30),
  transaction: bytes.readBigUInt64LE(start + 0x98),
  roots: [bytes.readBigUInt64LE(start + 0x58), bytes.readBigUInt64LE(start + 0x88)],
})

/**
 * Looks whether the file is one that LMDB can map, because LMDB itself does not: on a file of something else, or one that
 * was cut off, the process dies with SIGSEGV or SIGBUS. A missing or empty file is fine, a new database begins so.
 * Damage deep inside is not found here.
 * @throws DataFolderCorrupt
 */
export const checkFile = async (folder: string): Promise<void> => {
  if (endianness() !== 'LE') return
  const file = await open(join(folder, 'data.mdb')).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return
  try {
    const bytes = Buffer.alloc(2 * PAGE)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    // Asked for after the meta pages were read: another thread may be appending, and the file only grows.
    const { size } = await file.stat()
    if (size === 0) return
    if (bytesRead < bytes.length) throw dataFolderCorrupt(folder, `data.mdb has only ${size} bytes`)
    const first = readMeta(bytes, 0)
    if (first.magic !== MAGIC) throw dataFolderCorrupt(folder, 'data.mdb is not an LMDB file')
    // The second meta page is one page on, and pages may be larger on a machine of another kind.
    const second = first.pageSize === PAGE ? readMeta(bytes, PAGE) : first
    const newest = second.transaction > first.transaction ? second : first
    const pages = BigInt(Math.floor(size / newest.pageSize))
    if (newest.roots.some((root) => root !== NO_ROOT && root >= pages)) {
      throw dataFolderCorrupt(folder, 'data.mdb has been cut off')
    }
  } finally {
    await file.close()
  }
}
