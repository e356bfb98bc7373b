import type { Logger } from '../../domain/kernel/logger.ts'

/**
 * What one message of a peer sets off. What that throws is a bug: it is logged, and ends neither mcpd nor anything else that
 * mcpd serves.
 *
 * @param names whose message it was, for the log
 */
export const guarded =
  <Args extends readonly unknown[]>(
    logger: Logger,
    names: object,
    work: (...args: Args) => void,
    onFailed?: (...args: Args) => void,
  ): ((...args: Args) => void) =>
  (...args) => {
    try {
      work(...args)
    } catch (error) {
      logger.error({ ...names, err: error }, 'a message failed inside mcpd')
      onFailed?.(...args)
    }
  }
