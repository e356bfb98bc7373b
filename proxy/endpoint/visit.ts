import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request whose bearer and project are known. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly project: string
  readonly bearer: string
}
