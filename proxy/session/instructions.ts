import type { LinkedProject, LinkedServer } from '../../domain/mcp/link.ts'

/** Most characters of one server's instructions, and of all servers' together: every agent reads them before it does anything. */
const MAX_OF_SERVER = 8_000
const MAX_OF_SERVERS = 64_000
/** Most servers that are told to be unavailable, and longest reason, in characters. */
const MAX_UNAVAILABLE = 20
const MAX_REASON = 200

/**
 * The project's instructions, then each server's under its name, then which servers are not available. One server's alone stay as they are;
 * of several, long ones are cut, and say so.
 */
export const instructionsOf = ({ instructions, servers }: LinkedProject): string => {
  const own = instructions?.trim() ?? ''
  const theirs = servers.flatMap(({ name, initialize }) => {
    const text = initialize?.instructions
    return typeof text === 'string' && text.trim() !== '' ? [{ name, text }] : []
  })
  const [first] = theirs
  if (own === '' && first !== undefined && servers.length === 1) return first.text
  const each = Math.min(MAX_OF_SERVER, Math.floor(MAX_OF_SERVERS / Math.max(1, theirs.length)))
  return [
    ...(own === '' ? [] : [own]),
    ...theirs.map(({ name, text }) => `## ${name}\n\n${cut(text.trim(), each)}`),
    ...unavailable(servers.filter(({ state }) => state === 'unavailable')),
  ].join('\n\n')
}

const cut = (text: string, length: number): string => {
  if (text.length <= length) return text
  // Not inside a character.
  const end = /[\uD800-\uDBFF]/.test(text[length - 1] ?? '') ? length - 1 : length
  return `${text.slice(0, end)}\n… (${text.length - end} more characters are left out)`
}

const unavailable = (servers: readonly LinkedServer[]): readonly string[] => {
  if (servers.length === 0) return []
  const lines = servers.slice(0, MAX_UNAVAILABLE).map(({ name, reason = 'it is not running' }) => {
    const line = reason.trim().replaceAll(/\s*\n\s*/g, ' ')
    return `- ${name}: ${line.slice(0, MAX_REASON)}`
  })
  const more = servers.length > MAX_UNAVAILABLE ? [`- and ${servers.length - MAX_UNAVAILABLE} more`] : []
  const intro = 'These servers cannot be reached at the moment; what they offer appears in the lists when they can:'
  return [['## Not available', '', intro, ...lines, ...more].join('\n')]
}
