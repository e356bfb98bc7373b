import { interrupted } from '../errors.ts'
import { failureOf, type McpFailure } from './failure.ts'

/** The waits for answers of one connection, and what ends all of them. */
export interface Waiting {
  /** The answer, or why there is none. @throws McpFailure, CliError `interrupted` */
  answer<Answer>(answer: Promise<Answer>): Promise<Answer>
  /** No answer will come any more. */
  broke(failure: McpFailure): void
  /** Nobody waits any more. */
  end(): void
  /** Something came that makes no sense: it is dropped, and may be the answer that is then missed. */
  dropped(error: unknown): void
}

export const waitingWith = (signal: AbortSignal): Waiting => {
  let nonsense: McpFailure | undefined
  let ended: Error | undefined
  // Not one promise that all of them race with: it would keep every answer for as long as the connection lasts.
  const waits = new Set<(error: Error) => void>()
  const fail = (error: Error): void => {
    ended ??= error
    for (const reject of waits) reject(ended)
  }
  const interrupt = () => fail(interrupted())
  if (signal.aborted) interrupt()
  else signal.addEventListener('abort', interrupt, { once: true })
  const unlessEnded = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      waits.add(reject)
      answer.then(resolve, reject).finally(() => waits.delete(reject))
      if (ended !== undefined) reject(ended)
    })
  return {
    async answer(answer) {
      try {
        return await unlessEnded(answer)
      } catch (error) {
        if (signal.aborted) throw interrupted()
        const failure = failureOf(error)
        throw failure.kind === 'timeout' ? (nonsense ?? failure) : failure
      }
    },
    broke: fail,
    end: () => signal.removeEventListener('abort', interrupt),
    dropped(error) {
      const failure = failureOf(error)
      if (failure.kind === 'malformed') nonsense = failure
    },
  }
}
