import type { Logger } from '../../domain/kernel/logger.ts'

/** A logger that keeps what it is told, so that a test can look. */
export interface KeptLogger extends Logger {
  readonly lines: { level: string; fields: object; message: string }[]
}

export const keptLogger = (): KeptLogger => {
  const lines: KeptLogger['lines'] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
