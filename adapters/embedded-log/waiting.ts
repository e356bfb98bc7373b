import type { Batch } from './batch.ts'
import type { Operation } from './operations.ts'

/** An operation in the writer's queue, whatever it answers. */
export interface Waiting {
  /** When it was submitted, by `performance.now()`. */
  readonly since: number
  readonly characters: number
  /** Whether the caller has been told, or has gone. */
  readonly settled: boolean
  /** Stages it. The caller is told by `tell`, once the batch is durable. */
  apply(batch: Batch): void
  tell(): void
  fail(error: unknown): void
}

/** An operation together with its caller: a class, not closures, because there is one for every append. */
export class Submitted<Answer> implements Waiting {
  readonly since = performance.now()
  settled = false
  readonly #operation: Operation<Answer>
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  readonly #signal: AbortSignal | undefined
  /** What it came to in the batch it was last applied to: the answer, or why there is none. */
  #outcome: { readonly answer: Answer } | { readonly error: unknown } | undefined

  constructor(
    operation: Operation<Answer>,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#operation = operation
    this.#resolve = resolve
    this.#reject = reject
    this.#signal = signal
    signal?.addEventListener('abort', this, { once: true })
  }

  get characters(): number {
    return this.#operation.characters
  }

  apply(batch: Batch): void {
    try {
      this.#outcome = { answer: this.#operation.apply(batch) }
    } catch (error) {
      this.#outcome = { error }
    }
  }

  tell(): void {
    const outcome = this.#outcome
    if (outcome === undefined || this.settled) return
    this.#settle()
    if ('answer' in outcome) this.#resolve(outcome.answer)
    else this.#reject(outcome.error)
  }

  fail(error: unknown): void {
    if (this.settled) return
    this.#settle()
    this.#reject(error)
  }

  /** Its signal is aborted. */
  handleEvent(): void {
    this.fail(this.#signal?.reason)
  }

  #settle(): void {
    this.settled = true
    this.#signal?.removeEventListener('abort', this)
  }
}
