import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Input } from '../deps.ts'
import { CliError, usageError } from '../errors.ts'

/** The text of one manifest file, or of standard input. */
export interface Source {
  readonly file: string
  readonly text: string
}

/** Largest manifest that is read. */
const MAX_FILE_BYTES = 32 * 1024 * 1024
const MANIFEST = /\.(ya?ml|json)$/i

/** `-f`, the same for `apply`, `diff` and `delete`. */
export const fileOption = {
  type: 'string',
  short: 'f',
  many: true,
  describe: 'File, folder (all *.yaml, *.yml and *.json below it), or - for standard input',
  complete: 'file',
} as const

/** Reads what the `-f` flags name. Folders are read with all that is below them, in the order of names. */
export const readSources = async (paths: readonly string[], input: Input): Promise<readonly Source[]> => {
  if (paths.filter((path) => path === '-').length > 1) throw usageError('standard input can be read once only')
  const sources: Source[] = []
  for (const path of paths) {
    if (path === '-') sources.push({ file: '<stdin>', text: await input.text() })
    else for (const file of await filesOf(path)) sources.push(await readOne(file))
  }
  return sources
}

const filesOf = async (path: string): Promise<readonly string[]> => {
  if (/^https?:\/\//.test(path))
    throw usageError(`${path}: manifests are not fetched from the network`, `curl -fsSL ${path} | mcpctl apply -f -`)
  const found = await stat(path).catch((error: unknown) => {
    throw new CliError('no-such-file', `${path} cannot be read: ${reason(error)}`)
  })
  if (!found.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile() && MANIFEST.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  if (files.length === 0) throw new CliError('no-manifests', `there is no *.yaml, *.yml or *.json in ${path}`)
  return files
}

const readOne = async (file: string): Promise<Source> => {
  try {
    const { size } = await stat(file)
    if (size > MAX_FILE_BYTES) throw new Error('it is larger than 32 MiB')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
    return { file, text }
  } catch (error) {
    throw new CliError('no-such-file', `${file} cannot be read: ${reason(error)}`)
  }
}

const reason = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file or folder'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is no UTF-8 text'
  return error.message
}
