import { readFile } from 'node:fs/promises'

/** The version in package.json, found from the sources as well as from `dist/`. */
export const ownVersion = async (): Promise<string> => {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const parsed: unknown = JSON.parse(await readFile(new URL(up, import.meta.url), 'utf8'))
      if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return 'unknown'
}
