import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wrappedKey } from '../../domain/secret/wrapped-key.ts'

/** A data key as it lies on the disk. */
interface KeyOnDisk {
  readonly wrapped: ReturnType<typeof wrappedKey.parse>
  readonly ciphertext: Buffer
  readonly nonce: Buffer
}

/** All of a data folder. */
export const wrappedKeys = async (folder: string): Promise<readonly KeyOnDisk[]> => {
  const names = (await readdir(join(folder, 'keys'))).filter((name) => name.endsWith('.json'))
  return Promise.all(
    names.map(async (name) => {
      const wrapped = wrappedKey.parse(JSON.parse(await readFile(join(folder, 'keys', name), 'utf8')))
      return {
        wrapped,
        ciphertext: Buffer.from(wrapped.ciphertext, 'base64'),
        nonce: Buffer.from(wrapped.nonce, 'base64'),
      }
    }),
  )
}
