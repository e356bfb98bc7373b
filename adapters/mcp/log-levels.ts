import { type LogLevel, rankOf, reaches } from '../../domain/mcp/log-levels.ts'

/** What a session counts as that asked for nothing, once another one has changed the server's own default. */
export const UNASKED_LEVEL: LogLevel = 'info'

/** The level that serves everybody: the most verbose one. Undefined without sessions. */
export const mostVerbose = (levels: Iterable<LogLevel | undefined>): LogLevel | undefined => {
  let lowest: LogLevel | undefined
  for (const level of levels) {
    const each = level ?? UNASKED_LEVEL
    if (lowest === undefined || rankOf(each) < rankOf(lowest)) lowest = each
  }
  return lowest
}

/** Whether a message of this level is for somebody who asked for `asked`. A level we do not know passes. */
export const isWanted = (level: unknown, asked: LogLevel | undefined): boolean => reaches(level, asked ?? UNASKED_LEVEL)
