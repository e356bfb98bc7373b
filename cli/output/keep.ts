import { mkdir, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { CliError, exitCode } from '../errors.ts'
import type { Keep } from './content.ts'

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'image/svg+xml': '.svg',
  'audio/wav': '.wav',
  'audio/mpeg': '.mp3',
  'audio/ogg': '.ogg',
  'application/pdf': '.pdf',
  'application/json': '.json',
  'application/gzip': '.gz',
  'application/zip': '.zip',
  'text/plain': '.txt',
  'text/html': '.html',
  'text/csv': '.csv',
  'text/markdown': '.md',
}

/** Most attempts to find a name that is free. */
const MAX_ATTEMPTS = 1000

/**
 * Keeps what is no text in a folder, which is made now: what a tool has done must not be lost for want of it. A file that is there
 * already stays as it is; the next free name is taken.
 * @throws CliError `cannot-write`
 */
export const keepIn = async (folder: string): Promise<Keep> => {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw cannotWrite(folder, error)
  })
  return async ({ kind, type, bytes }, name) => {
    const wanted = fileName(kind, type, name)
    const extension = extname(wanted)
    const stem = wanted.slice(0, wanted.length - extension.length)
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const path = join(folder, attempt === 1 ? wanted : `${stem}-${attempt}${extension}`)
      try {
        await writeFile(path, bytes, { flag: 'wx' })
        return path
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw cannotWrite(path, error)
      }
    }
    throw cannotWrite(join(folder, wanted), new Error('too many files of that name are there'))
  }
}

/** From the last part of a resource's URI, which a server chooses: only what is harmless in a file's name stays of it. */
const fileName = (kind: string, type: string, uri: string | undefined): string => {
  const last =
    (uri ?? '')
      .split(/[?#]/)[0]
      ?.split('/')
      .filter((part) => part !== '')
      .at(-1) ?? ''
  const safe = last
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, 100)
  const name = safe === '' ? kind : safe
  return extname(name) === '' ? `${name}${EXTENSIONS[type.split(';')[0]?.trim() ?? ''] ?? '.bin'}` : name
}

const cannotWrite = (path: string, error: unknown): CliError =>
  new CliError('cannot-write', `${path} cannot be written: ${messageOf(error)}`, {
    exit: exitCode.failed,
    cause: error,
  })
