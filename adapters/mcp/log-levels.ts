import type { JsonValue } from '../../domain/kernel/json.ts'

/** MCP's levels of log messages, most verbose first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a session counts as that asked for nothing, once another one has changed the server's own default. */
export const UNASKED_LEVEL: LogLevel = 'info'

export const isLogLevel = (value: JsonValue | undefined): value is LogLevel =>
  LOG_LEVELS.some((level) => level === value)

const rank = (level: LogLevel): number => LOG_LEVELS.indexOf(level)

/** The level that serves everybody: the most verbose one. Undefined without sessions. */
export const mostVerbose = (levels: Iterable<LogLevel | undefined>): LogLevel | undefined => {
  let lowest: LogLevel | undefined
  for (const level of levels) {
    const each = level ?? UNASKED_LEVEL
    if (lowest === undefined || rank(each) < rank(lowest)) lowest = each
  }
  return lowest
}

/** Whether a message of this level is for somebody who asked for `asked`. A level we do not know passes. */
export const isWanted = (level: JsonValue | undefined, asked: LogLevel | undefined): boolean =>
  !isLogLevel(level) || rank(level) >= rank(asked ?? UNASKED_LEVEL)
