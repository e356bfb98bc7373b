import type { Logger } from '../../domain/kernel/logger.ts'

/** Says nothing. */
export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
