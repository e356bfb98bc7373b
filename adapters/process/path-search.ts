import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Whether a file is there and may be used so: `R_OK`, `X_OK`. */
export const isThere = (file: string, mode: number): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  )

/** The first program of that name in PATH; undefined when there is none. Folders that are not absolute are skipped. */
export const findInPath = async (name: string, path: string): Promise<string | undefined> => {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name)
    if (folder.startsWith('/') && (await isThere(file, constants.X_OK))) return file
  }
  return undefined
}
