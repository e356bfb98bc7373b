import type { WebSocket } from 'ws'
import type { AccessTokens } from '../../commands/access-tokens.ts'
import type { CommandContext } from '../../commands/context.ts'
import type { DefaultBackend } from '../../commands/default-backend.ts'
import type { CommandLoop } from '../../commands/handle.ts'
import type { Lease } from '../../commands/lease.ts'
import type { ReactorStatus } from '../../commands/reactors/reactor.ts'
import type { ResourceCommands } from '../../commands/resources.ts'
import type { InstanceHost } from '../../domain/instance/host.ts'
import type { InstanceLogs, Usage } from '../../domain/instance/runtime.ts'
import type { Clock, NewId } from '../../domain/kernel/clock.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Catalog } from '../../domain/kernel/event-type.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import type { ReadSide } from '../../queries/read-side.ts'

/** Everything that routes need, made in the composition root. */
export interface HttpDeps {
  readonly registry: Registry
  readonly catalog: Catalog
  readonly log: EventLog
  readonly loop: CommandLoop
  readonly resources: ResourceCommands
  readonly defaultBackend: DefaultBackend
  readonly tokens: AccessTokens
  readonly readSide: ReadSide
  readonly instanceLogs: InstanceLogs
  /** What an instance uses now; undefined when it does not run, or its runtime cannot tell. */
  readonly instanceUsage: (instance: string) => Promise<Usage | undefined>
  readonly probeInstance: InstanceHost['probe']
  /** Client sessions that an instance serves now. */
  readonly instanceSessions: (instance: string) => number
  /** Clear values of a secret, by key. */
  readonly secretValues: (name: string) => Promise<Readonly<Record<string, string>>>
  readonly rotateMasterKey: (context: CommandContext) => Promise<JsonObject>
  /** Where instances run. */
  readonly instancesAt: Lease['place']
  /** Serves the link of mcplocal over a WebSocket that is open and authorised, until it closes. `relayed`: another mcpd asks for its client. */
  readonly serveLink: (link: {
    readonly project: string
    readonly socket: WebSocket
    readonly bearer: string
    /** Who dialled, as `kind:name`. */
    readonly principal: string
    readonly relayed: boolean
  }) => void
  /** Resolves when the calls that are under way on links have ended, or were given up. */
  readonly drainLinks: () => Promise<void>
  readonly reactors: () => readonly ReactorStatus[]
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  readonly version: string
  /** For the status page: where the data is, where mcplocal answers. */
  readonly about: () => JsonObject
}
