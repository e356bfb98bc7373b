/** MCP's levels of log messages (RFC 5424's), most verbose first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const isLogLevel = (value: unknown): value is LogLevel => LOG_LEVELS.some((level) => level === value)

/** Whether a message of one level is for somebody who asked for another. A level that nobody knows passes. */
export const reaches = (level: unknown, asked: LogLevel): boolean =>
  !isLogLevel(level) || rankOf(level) >= rankOf(asked)

/** 0 for the most verbose. */
export const rankOf = (level: LogLevel): number => LOG_LEVELS.indexOf(level)
