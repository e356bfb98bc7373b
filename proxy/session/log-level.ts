/** RFC 5424's levels as MCP names them, the least severe first. */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

/**
 * Whether a message of one level is for a client that asked for another. A server that several sessions share sends each of them what the
 * most curious has asked for. Levels nobody knows pass.
 */
export const isWanted = (level: unknown, wanted: string | undefined): boolean => {
  if (wanted === undefined || typeof level !== 'string') return true
  const rank = LOG_LEVELS.indexOf(level)
  return rank < 0 || rank >= LOG_LEVELS.indexOf(wanted)
}
