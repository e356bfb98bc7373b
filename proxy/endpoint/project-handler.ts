import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventStore } from './event-store.ts'
import { bearerOf } from './headers.ts'
import type { EndpointLimits } from './limits.ts'
import { McpHandler } from './mcp-handler.ts'
import type { Sessions } from './open-sessions.ts'
import { bearerMissing, refuse, stopping } from './refusal.ts'
import { SseHandler } from './sse-handler.ts'

/** The last part of a path under `/projects/<name>`. */
export type ProjectEndpoint = 'mcp' | 'sse' | 'messages' | 'inspect'

/** The endpoints of all projects. */
export interface ProjectHandler {
  handle(request: IncomingMessage, response: ServerResponse, project: string, endpoint: ProjectEndpoint): void
  /** From now on, refuses everything. What is under way goes on. */
  stop(): void
}

export const projectHandler = (sessions: Sessions, events: EventStore, limits: EndpointLimits): ProjectHandler => {
  const mcp = new McpHandler(sessions, events, limits)
  const sse = new SseHandler(sessions, limits)
  let isStopping = false
  return {
    handle(request, response, project, endpoint) {
      const bearer = bearerOf(request)
      if (isStopping) return refuse(response, stopping)
      if (bearer === undefined) return refuse(response, bearerMissing)
      const visit = { request, response, project, bearer }
      if (endpoint === 'mcp') mcp.handle(visit)
      else if (endpoint === 'sse') sse.handleStream(visit)
      else if (endpoint === 'messages') sse.handleMessage(visit)
      else sessions.inspector.handle(visit)
    },
    stop() {
      isStopping = true
    },
  }
}
