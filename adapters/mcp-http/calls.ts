import type { JsonObject } from '../../domain/kernel/json.ts'
import type { RpcId } from '../../domain/mcp/rpc.ts'

/** A request of the client's that the server has not answered. */
export interface Call {
  readonly id: RpcId
  readonly method: string
  /** Whether its request was begun: from then on nobody knows whether the server has it. */
  begun: boolean
  /** Aborts when nobody waits any more: it was cancelled, or has failed. */
  readonly gone: AbortSignal
  /** Settles with the answer, or undefined when there was none. */
  readonly settled: Promise<JsonObject | undefined>
}

interface OpenCall extends Call {
  readonly settle: (answer: JsonObject | undefined) => void
  readonly abandon: () => void
}

/** The calls of one session that are under way, each settled once. */
export class Calls {
  readonly #open = new Map<RpcId, OpenCall>()

  /** An id that is under way already takes the place of the older call. */
  begin(id: RpcId, method: string): Call {
    let settle: OpenCall['settle'] = () => {}
    const settled = new Promise<JsonObject | undefined>((resolve) => {
      settle = resolve
    })
    const gone = new AbortController()
    const call = { id, method, begun: false, gone: gone.signal, settled, settle, abandon: () => gone.abort() }
    this.#open.set(id, call)
    return call
  }

  isOpen(call: Call): boolean {
    return this.#open.get(call.id) === call
  }

  /** @returns whether somebody waits for this answer */
  answer(id: RpcId, answer: JsonObject): boolean {
    const call = this.#open.get(id)
    this.#open.delete(id)
    call?.settle(answer)
    return call !== undefined
  }

  /** Nobody waits for it any more. @returns whether anybody did */
  drop(call: Call): boolean {
    const found = this.#open.get(call.id)
    if (found !== call || found === undefined) return false
    this.#open.delete(call.id)
    found.settle(undefined)
    found.abandon()
    return true
  }

  find(id: unknown): Call | undefined {
    return typeof id === 'string' || typeof id === 'number' ? this.#open.get(id) : undefined
  }

  all(): readonly Call[] {
    return [...this.#open.values()]
  }
}
