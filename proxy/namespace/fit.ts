import { createHash } from 'node:crypto'
import { MAX_EXPOSED_NAME } from '../../domain/mcp/exposed-name.ts'

/** The characters that every model provider takes. */
const ALLOWED = /^[A-Za-z0-9_-]+$/
const FOREIGN = /[^A-Za-z0-9_-]/gu
const HASH_CHARS = 8

/**
 * A name within the limits. One that is within them already stays as it is; another has its foreign characters replaced, is cut, and
 * ends in a hash of `identity`, so that it is the same each time and differs from its like.
 */
export const fitName = (wanted: string, identity: string): string =>
  wanted.length <= MAX_EXPOSED_NAME && ALLOWED.test(wanted) ? wanted : hashedName(wanted, identity)

/** `fitName` that always ends in the hash: for a name that is taken. */
export const hashedName = (wanted: string, identity: string): string => {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, HASH_CHARS)
  return `${wanted.replace(FOREIGN, '_').slice(0, MAX_EXPOSED_NAME - HASH_CHARS - 1)}_${hash}`
}
