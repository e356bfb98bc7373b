import type { JsonObject, JsonValue } from '../../domain/kernel/json.ts'
import type { Resource } from '../../domain/kernel/resource.ts'

/** What mcpd's HTTP API answers; positions and revisions are decimal strings, times ISO 8601. */
export interface ResourceList {
  readonly kind: string
  readonly items: readonly Resource[]
  /** Position of the log that the items are as of. */
  readonly asOf: string
  readonly nextCursor?: string
}

export interface ApiEvent {
  readonly stream: string
  readonly revision: string
  readonly position: string
  readonly type: string
  readonly at: string
  readonly actor?: { readonly kind: string; readonly name: string }
  readonly data: JsonValue
}

export interface MutationAnswer {
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'deleted'
  readonly resource?: Resource
  readonly position?: string
  readonly events: readonly ApiEvent[]
}

/** One revision of a declared resource. `spec` is null where it was deleted. */
export interface HistoryItem {
  readonly revision: string
  readonly position: string
  readonly at: string
  readonly actor: { readonly kind: string; readonly name: string } | string
  readonly type: string
  readonly spec: JsonObject | null
  readonly labels: Readonly<Record<string, string>> | null
}

export interface HistoryPage {
  readonly items: readonly HistoryItem[]
  readonly asOf: string
  readonly nextCursor?: string
}

export interface InstanceLogLine {
  readonly instance: string
  readonly at: string
  readonly source: string
  readonly line: string
}

/** What came of one MCP request to one instance. */
export interface ProbeAnswer {
  readonly instance: string
  readonly ok: boolean
  readonly latencyMs: number
  readonly result?: JsonObject
  /** Why it is no good answer. */
  readonly reason?: string
}

/** What an instance uses. */
export interface UsageItem {
  readonly instance: string
  readonly server: string
  /** 1000 is one CPU. */
  readonly cpuMillicores: number
  readonly memoryBytes: number
  readonly processes: number
  /** Client sessions that it serves. */
  readonly sessions: number
}

export interface VersionAnswer {
  readonly version: string
  readonly api: string
  readonly node: string
}

/** Where a read model stopped, or why a rebuild failed. */
export interface ReadModelError {
  readonly code?: string
  readonly message: string
  readonly hint?: string
  /** The event that cannot be handled. */
  readonly event?: {
    readonly position: string
    readonly stream: string
    readonly revision: string
    readonly type: string
  }
}

export interface ReadModelState {
  readonly name: string
  /** `live`, `catching-up`, `rebuilding`, `stopped` (at an event it cannot handle) or `unavailable`. */
  readonly state: string
  /** Number of the live generation. */
  readonly generation?: string
  readonly position?: string
  readonly lagEvents?: number
  /** False: `lagEvents` is a lower bound. */
  readonly lagExact?: boolean
  readonly lagSeconds?: number
  readonly error?: ReadModelError
  /** A new generation being filled beside the live one. */
  readonly rebuild?: {
    readonly generation: string
    readonly position: string
    /** Head of the log when it began. */
    readonly target: string
    readonly events?: number
    readonly eventsPerSecond?: number
  }
  /** Why the last rebuild was given up. */
  readonly rebuildError?: ReadModelError
}

export interface StatusAnswer {
  readonly version: string
  readonly startedAt: string
  readonly uptimeSeconds: number
  readonly log: {
    readonly kind: string
    readonly ok?: boolean
    readonly head?: string
    readonly pingMs?: number
    readonly error?: string
  }
  readonly database?: { readonly kind: string }
  readonly readModels: readonly ReadModelState[]
  /** Null when the rows are away. */
  readonly instances: Readonly<Record<string, number>> | null
  readonly reactors: readonly {
    readonly name: string
    readonly state: string
    readonly position?: string
    readonly error?: string
  }[]
  readonly mcplocal?: { readonly url: string }
  readonly dataFolder?: string
}

export interface MeAnswer {
  readonly principal: { readonly kind: string; readonly name: string }
  readonly tokenSha?: string
  readonly rights: readonly string[]
}

/** How far a server's copies are what its spec says. */
export interface RolloutAnswer {
  readonly replicas: number
  /** Copies of the present spec, made since the last restart that was asked for. */
  readonly updated: number
  /** Those of them that run. */
  readonly ready: number
  readonly outdated: number
  readonly done: boolean
  readonly failing: readonly {
    readonly instance: string
    readonly reason: string
    readonly nextRetryAt: string | null
  }[]
}

export interface RotationAnswer {
  readonly from: string
  readonly to: string
  readonly rewrapped: number
}

/** RFC 9457, as far as mcpctl reads it. */
export interface Problem {
  readonly title?: string
  readonly status?: number
  readonly detail?: string
  readonly code?: string
  readonly hint?: string
  readonly fields?: readonly { readonly path: string; readonly message: string }[]
  readonly requestId?: string
}
