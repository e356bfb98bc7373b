import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FoundFile } from '../../commands/template-files.ts'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { settledWithin } from '../../domain/kernel/settled-within.ts'

/** Largest template file that is read, in bytes. */
export const MAX_TEMPLATE_BYTES = 64 * 1024
/** Most files of one folder that are read. */
export const MAX_TEMPLATE_FILES = 500
/** How long a folder may take: one on a network that is away must not hold up the start. */
const DEADLINE_MS = 3_000

/**
 * The template files of a folder, by name: what ends in `.yaml`, `.yml` or `.json`, not below other folders. Never rejects:
 * what cannot be read is in the answer, with the reason.
 *
 * @param shownAs stands for the folder in the names of files
 */
export const readTemplateFolder = async (
  folder: string,
  { shownAs = folder, deadlineMs = DEADLINE_MS }: { shownAs?: string; deadlineMs?: number } = {},
): Promise<readonly FoundFile[]> => {
  const reading = readAll(folder, shownAs)
  if (await settledWithin(reading, deadlineMs)) return reading
  const reason = `did not answer within ${deadlineMs / 1000} s`
  return [{ file: shownAs, problem: { reason }, wholeFolder: true }]
}

const readAll = async (folder: string, shownAs: string): Promise<readonly FoundFile[]> => {
  try {
    const names = (await readdir(folder)).filter((name) => /^[^.].*\.(ya?ml|json)$/i.test(name)).sort()
    const files = await Promise.all(
      names.slice(0, MAX_TEMPLATE_FILES).map((name) => readOne(join(folder, name), `${shownAs}/${name}`)),
    )
    const reason = `more than ${MAX_TEMPLATE_FILES} files are in ${shownAs}; those after ${names[MAX_TEMPLATE_FILES - 1]} are not read`
    return names.length > MAX_TEMPLATE_FILES ? [...files, { file: `${shownAs}/`, problem: { reason } }] : files
  } catch (error) {
    return [{ file: shownAs, problem: { reason: reasonOf(error) }, wholeFolder: true }]
  }
}

const readOne = async (path: string, file: string): Promise<FoundFile> => {
  try {
    // Looked at before it is opened: opening a pipe waits for whoever writes to it.
    const found = await stat(path)
    if (!found.isFile()) return { file, problem: { reason: found.isDirectory() ? 'is a folder' : 'is no file' } }
    const bytes = await readBounded(path)
    if (bytes === undefined) return { file, problem: { reason: `is larger than ${MAX_TEMPLATE_BYTES / 1024} KiB` } }
    const digest = createHash('sha256').update(bytes).digest('hex')
    return { file, digest, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    return { file, problem: { reason: error instanceof TypeError ? 'is no UTF-8 text' : reasonOf(error) } }
  }
}

/** All of a file, or undefined when there is more than `MAX_TEMPLATE_BYTES` of it. */
const readBounded = async (path: string): Promise<Buffer | undefined> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(MAX_TEMPLATE_BYTES + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
      if (length > MAX_TEMPLATE_BYTES) return undefined
    }
  } finally {
    await handle.close()
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist, or points to nothing',
  EACCES: 'may not be read by mcpd',
  EPERM: 'may not be read by mcpd',
  ELOOP: 'is a link that leads to itself',
  ENOTDIR: 'is no folder',
}

const reasonOf = (error: unknown): string => REASONS[String(codeOf(error))] ?? `cannot be read: ${messageOf(error)}`
