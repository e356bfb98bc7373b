import type { JsonObject } from '../kernel/json.ts'
import type { Exit, Launch } from './runtime.ts'

/** A request that shows how an instance does. */
export interface Probe {
  readonly method: string
  readonly params: JsonObject
  readonly timeoutMs: number
  /** The result is for people: the instance's secrets are taken out of it, and one that is very long is a failure. */
  readonly shown?: true
  /** Gives it up. */
  readonly signal: AbortSignal
}

/** `reason` is for people, and has no secrets in it; a result is what the server answered, unless it is to be shown. */
export type ProbeAnswer =
  | { readonly ok: true; readonly result: JsonObject }
  | {
      readonly ok: false
      readonly reason: string
      /** Where it answered, and says itself that it failed (`isError`). */
      readonly result?: JsonObject
    }

/**
 * Runs instances and speaks MCP with them: a runtime's program plus its initialised MCP connection. The reconciler says
 * what should run; the router finds connections here.
 */
export interface InstanceHost {
  /**
   * Starts the program and initialises MCP with it. Resolves once the server has answered `initialize`.
   * On failure nothing of it is left running.
   * @throws StartFailed with the reason (install failed, exited at once with its last stderr lines, no answer to
   *   `initialize` within 30 s, what it printed instead)
   */
  start(launch: Launch, options: { signal: AbortSignal }): Promise<{ readonly details: JsonObject }>
  /** Ends the instance if it runs; its calls under way end with a JSON-RPC error. Unknown name: no effect. */
  stop(instance: string): Promise<void>
  /** Ends every instance, as `stop` does; others can be started afterwards. */
  stopAll(): Promise<void>
  /** Whether the instance runs and is initialised. */
  isRunning(instance: string): boolean
  /**
   * Sends a request on the way that clients' requests take. Never rejects: no answer in time, a JSON-RPC error, a result
   * that is an error, and an instance that does not run are failures. It counts as no client.
   */
  probe(instance: string, probe: Probe): Promise<ProbeAnswer>
  /** Whether new client sessions are to go there. One that has just begun serves; when no instance of a server does, all do. */
  setServing(instance: string, serving: boolean): void
  /** Registers what to do when an instance ends by itself (not by `stop`). One listener. */
  onExit(listener: (instance: string, exit: Exit) => void): void
  /** Stops everything. */
  close(): Promise<void>
}
