/** The one logger: structured, pino's call form. Adapters get it; the domain has nothing to say. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
