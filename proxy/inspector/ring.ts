import type { InspectorLimits } from './limits.ts'

/** The newest records, as JSON, bounded by their number and size. */
export class Ring {
  readonly #limits: Pick<InspectorLimits, 'ringMessages' | 'ringBytes'>
  readonly #records: string[] = []
  #size = 0

  constructor(limits: Pick<InspectorLimits, 'ringMessages' | 'ringBytes'>) {
    this.#limits = limits
  }

  /** Oldest first. */
  get records(): readonly string[] {
    return this.#records
  }

  /** Keeps a record, and as many of those before it as there is room for. One that is larger than the ring is not kept. */
  push(json: string): void {
    this.#records.push(json)
    this.#size += json.length
    while (this.#records.length > this.#limits.ringMessages || this.#size > this.#limits.ringBytes)
      this.#size -= this.#records.shift()?.length ?? 0
  }
}
