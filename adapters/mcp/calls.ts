import type { Logger } from '../../domain/kernel/logger.ts'

/**
 * How a call ended. `ok` and `tool-error` (a result with `isError`) and `error` (a JSON-RPC error) came from the server; `cancelled` by the
 * client, or because it left; `lost` with the server; `refused` by mcpd before anything was sent.
 */
export type CallOutcome = 'ok' | 'tool-error' | 'error' | 'cancelled' | 'lost' | 'refused'

/**
 * One request to a server and how it went. Never its arguments nor its result. Every field is always there, so that
 * the records of a hot path have one shape.
 */
export interface FinishedCall {
  readonly method: string
  /** The server's own name of the tool, for `tools/call`. */
  readonly tool: string | undefined
  readonly durationMs: number
  /** JSON as it was written to the server, in bytes; 0 when nothing was sent. */
  readonly requestBytes: number
  /** JSON as the server wrote it, in bytes; 0 when it did not answer. */
  readonly responseBytes: number
  readonly outcome: CallOutcome
  /** JSON-RPC error code, where there is one. */
  readonly errorCode: number | undefined
}

/** A finished call with where it belongs: what metrics, the log and the audit trail are made of. */
export interface CallRecord extends FinishedCall {
  readonly project: string
  readonly server: string
  /** Instance that served it; undefined when none did. */
  readonly instance: string | undefined
  /** Who called, as `kind:name`, where that is known. */
  readonly principal: string | undefined
}

/**
 * Makes the one place that sees every call: a structured log line each, and whatever `onCall` does with it. Both come in
 * a microtask of their own, behind the one that hands the answer over: nobody waits for a log. A call that went well is a
 * line at level `debug`, for writing it costs a fifth of the whole call; any other one at `info`.
 */
export const createCallObserver = (
  logger: Logger,
  onCall: ((record: CallRecord) => void) | undefined,
): ((record: CallRecord) => void) => {
  let records: CallRecord[] = []
  const flush = () => {
    const finished = records
    records = []
    for (const record of finished) {
      onCall?.(record)
      if (record.outcome === 'ok') logger.debug(record, 'mcp call')
      else logger.info(record, 'mcp call')
    }
  }
  return (record) => {
    if (records.push(record) === 1) queueMicrotask(flush)
  }
}
