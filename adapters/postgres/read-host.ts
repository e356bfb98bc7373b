import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/kernel/clock.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Catalog } from '../../domain/kernel/event-type.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import type { Tables } from '../../projections/tables.ts'
import type { CommitSignal } from '../../queries/commit-signal.ts'

/** Where the projector runs and how rows are reached. */
export interface ReadHost {
  readonly db: Kysely<Tables>
  /** @throws read-model-unavailable */
  rebuild(): Promise<void>
  close(): Promise<void>
}

/** What every host is given. */
export interface HostOptions {
  readonly log: EventLog
  readonly registry: Registry
  readonly catalog: Catalog
  readonly logger: Logger
  readonly clock: Clock
  readonly commits: CommitSignal
}
