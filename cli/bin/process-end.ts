import { CodedError, codeOf, messageOf } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'

/** A program that has not ended this long after it was told to is ended. */
export const DRAIN_MS = 10_000

/** Ends the program in order at a signal: `close`, then exit code 0; 1 when that takes more than 10 s. A second signal ends it at once. */
export const exitOn = (signals: readonly NodeJS.Signals[], close: () => Promise<void>, logger: Logger): void => {
  let ending = false
  const end = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(130)
    ending = true
    logger.info({ signal }, 'ending')
    const late = setTimeout(() => {
      logger.error({}, `not ended after ${DRAIN_MS / 1000} s, giving up`)
      process.exit(1)
    }, DRAIN_MS)
    close().then(
      () => {
        clearTimeout(late)
        process.exit(0)
      },
      (error: unknown) => {
        logger.error({ err: error }, 'ending failed')
        process.exit(1)
      },
    )
  }
  for (const signal of signals) process.on(signal, end)
}

/** Says why a program could not go on, in one message, and ends it: 2 for wrong usage, 1 otherwise. */
export const failed = (program: string, error: unknown): void => {
  const usage = String(codeOf(error)).startsWith('ERR_PARSE_ARGS')
  const hint = error instanceof CodedError ? error.details.hint : undefined
  const message = messageOf(error)
  const code = error instanceof CodedError ? ` [${error.code}]` : ''
  process.stderr.write(`${program}: ${message}${code}\n${hint === undefined ? '' : `  ${hint}\n`}`)
  if (process.env.MCPCTL_DEBUG === '1' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  process.exitCode = usage || (error instanceof CodedError && error.code === 'invalid-configuration') ? 2 : 1
}
