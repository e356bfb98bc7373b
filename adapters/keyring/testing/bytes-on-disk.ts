import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Every file of a folder, as bytes. */
export const filesIn = async (folder: string): Promise<ReadonlyMap<string, Buffer>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)))
}

/** The forms in which bytes may have been written somewhere. */
const formsOf = (bytes: Buffer): readonly Buffer[] => {
  const text = bytes.toString('utf8')
  const hex = bytes.toString('hex')
  return [
    bytes,
    ...[bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), hex, hex.toUpperCase()].map((form) =>
      Buffer.from(form),
    ),
    ...[encodeURIComponent(text), JSON.stringify(text).slice(1, -1)].map((form) => Buffer.from(form)),
  ]
}

/** The files that hold `bytes` in any form. */
export const filesWith = async (folder: string, bytes: Buffer): Promise<readonly string[]> => {
  const forms = formsOf(bytes)
  return [...(await filesIn(folder))]
    .filter(([, content]) => forms.some((form) => content.includes(form)))
    .map(([path]) => path)
}
