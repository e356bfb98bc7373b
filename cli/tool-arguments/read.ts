import { createReadStream } from 'node:fs'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { MAX_INPUT_BYTES } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import { branchesOf, type Place } from './schema.ts'

/**
 * What a value on the command line stands for: `@file` and `@-` are what a file and standard input hold, `@@text` is a text that begins with @.
 * Where the schema says `contentEncoding: base64`, bytes become that; elsewhere they are text.
 * @throws CliError `usage`
 */
export const readValue = async (
  deps: Pick<Deps, 'input'>,
  name: string,
  text: string,
  place: Place,
): Promise<string> => {
  if (!text.startsWith('@') || text === '@') return text
  if (text.startsWith('@@')) return text.slice(1)
  const bytes = text === '@-' ? await deps.input.bytes() : await fileBytes(name, text.slice(1))
  if (branchesOf(place).some(({ contentEncoding }) => contentEncoding === 'base64'))
    return Buffer.from(bytes).toString('base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw usageError(
      `${name} cannot be from there: it is no text, and the schema does not say "contentEncoding": "base64"`,
    )
  }
}

const fileBytes = async (name: string, path: string): Promise<Uint8Array> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path)) {
      const buffer = Buffer.from(chunk)
      chunks.push(buffer)
      bytes += buffer.length
      if (bytes > MAX_INPUT_BYTES) throw new Error('it is longer than 16 MiB')
    }
  } catch (error) {
    throw new CliError('cannot-read', `${name}: ${path} cannot be read: ${reasonOf(error)}`, {
      exit: exitCode.usage,
      hint: 'A text that begins with @ is written with two of them: @@',
    })
  }
  return Buffer.concat(chunks)
}

const reasonOf = (error: unknown): string => {
  const code = codeOf(error)
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'EACCES') return 'you may not read it'
  return messageOf(error)
}
