import { type Metadata, type ServiceError, type sendUnaryData, status } from '@grpc/grpc-js'
import { failure, notLeader } from './wire-messages.ts'

export type Operation = 'append' | 'delete' | 'tombstone' | 'read' | 'subscribe'

/** How an answer gets lost: the connection breaks after the write, or nothing ever comes. */
export type Loss = 'broken' | 'silent'

export interface SeenCall {
  readonly operation: Operation
  readonly stream: string
  readonly authorization: string | undefined
  readonly requiresLeader: boolean
  /** The expression that a subscription is filtered by. */
  readonly filter: string | undefined
}

type Answer<Value> = { readonly value: Value } | { readonly error: ServiceError }

/** What goes wrong on purpose. Each fault is used up by the call it hits, but for the lasting ones. */
export class WireFaults {
  /** Every call that arrived. */
  readonly calls: SeenCall[] = []
  /** Subscriptions being served now. */
  subscribers = 0
  readonly #losses = new Map<Operation, Loss[]>()
  readonly #refusals = new Map<Operation, ServiceError[]>()
  readonly #held: (() => void)[] = []
  #holding: Operation | undefined
  #leader: { host: string; port: number } | undefined

  /** The next call of that kind takes effect, and its answer is lost. */
  loseNextAnswer(operation: Operation, loss: Loss): void {
    this.#losses.set(operation, [...(this.#losses.get(operation) ?? []), loss])
  }

  /** The next call of that kind fails so, without effect. */
  failNext(operation: Operation, error: ServiceError): void {
    this.#refusals.set(operation, [...(this.#refusals.get(operation) ?? []), error])
  }

  /** Calls of that kind wait, without effect, until they are let go. */
  hold(operation: Operation): void {
    this.#holding = operation
  }

  /** How many calls are waiting. */
  get held(): number {
    return this.#held.length
  }

  letGo(): void {
    this.#holding = undefined
    for (const run of this.#held.splice(0)) run()
  }

  /** Another node leads from now on: calls that need the leader are sent there. Undefined: this one leads. */
  followLeader(leader: { host: string; port: number } | undefined): void {
    this.#leader = leader
  }

  get leads(): boolean {
    return this.#leader === undefined
  }

  seen(operation: Operation, { metadata }: { metadata: Metadata }, stream: string, filter?: string): void {
    const authorization = metadata.get('authorization')[0]?.toString()
    const requiresLeader = metadata.get('requires-leader')[0] === 'true'
    this.calls.push({ operation, stream, authorization, requiresLeader, filter })
  }

  /** Whether this call's answer is to be lost in silence. */
  swallows(operation: Operation): boolean {
    return this.#losses.get(operation)?.shift() === 'silent'
  }

  /** Why a call is turned away before it has any effect, or undefined. */
  refusal(operation: Operation, { metadata }: { metadata: Metadata }): ServiceError | undefined {
    const refused = this.#refusals.get(operation)?.shift()
    if (refused !== undefined) return refused
    if (this.#leader === undefined || metadata.get('requires-leader')[0] !== 'true') return undefined
    return notLeader(this.#leader.host, this.#leader.port)
  }

  around<Value>(
    operation: Operation,
    call: { metadata: Metadata },
    answer: sendUnaryData<Value>,
    act: () => Answer<Value>,
  ): void {
    const refused = this.refusal(operation, call)
    if (refused !== undefined) {
      answer(refused)
      return
    }
    if (this.#holding === operation) {
      this.#held.push(() => this.around(operation, call, answer, act))
      return
    }
    const result = act()
    const loss = this.#losses.get(operation)?.shift()
    if (loss === 'silent') return
    if (loss === 'broken') answer(failure(status.UNAVAILABLE, 'Connection dropped'))
    else if ('error' in result) answer(result.error)
    else answer(null, result.value)
  }
}
