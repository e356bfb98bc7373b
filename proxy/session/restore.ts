import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LogLevel } from '../../domain/mcp/log-levels.ts'
import type { ProjectView } from './project-view.ts'
import type { ServerCalls } from './server-calls.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface Restoring {
  readonly calls: ServerCalls
  readonly subscriptions: Subscriptions
  readonly view: ProjectView
  readonly level: LogLevel | undefined
}

/** Tells servers that have started again, or are behind a new link, what they have forgotten: the client's subscriptions and log level. */
export const restore = (session: Restoring, servers: readonly string[], deadlineMs: number, logger: Logger): void => {
  const askAgain = (server: string, method: string, params: JsonObject) =>
    session.calls.forward(server, { jsonrpc: '2.0', method }, params, deadlineMs, {
      onAnswer: ({ error }) => {
        if (error !== undefined) logger.warn({ server, method, reason: error.message }, 'not restored')
      },
    })
  const logging = new Set(session.view.able('logging').map(({ name }) => name))
  for (const server of servers) {
    if (session.view.server(server)?.state !== 'ready') continue
    for (const uri of session.subscriptions.of(server)) askAgain(server, 'resources/subscribe', { uri })
    if (session.level !== undefined && logging.has(server))
      askAgain(server, 'logging/setLevel', { level: session.level })
  }
}
