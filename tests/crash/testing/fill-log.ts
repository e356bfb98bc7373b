import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../../../domain/catalog.ts'
import type { DomainEvent, NewEvent } from '../../../domain/kernel/event.ts'
import type { EventLog } from '../../../domain/kernel/event-log.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** Gives a data folder that no mcpd has opened yet a log to begin with. */
export const fillLog = async (dataFolder: string, work: (log: EventLog) => Promise<void>): Promise<void> => {
  const log = await openEmbeddedLog({ folder: join(dataFolder, 'log') })
  await work(log)
  await log.close()
}

/** Events as mcpd itself would have appended them. */
export const eventsOf = (stream: string, events: readonly DomainEvent[]): readonly NewEvent[] =>
  events.map((event) => {
    const id = randomUUID()
    const { schemaVersion } = catalog.check(stream, event)
    const ids = { commandId: id, correlationId: id, causationId: id }
    const metadata = { schemaVersion, occurredAt: AT, actor: { kind: 'System', name: 'test' } as const, ...ids }
    return { id, type: event.type, data: event.data, metadata }
  })

/** Projects with a long past: enough for a rebuild to take a while. */
export const oldProjects = async (log: EventLog, { projects = 20, revisions = 200 } = {}): Promise<void> => {
  for (let i = 0; i < projects; i++) {
    const uid = randomUUID()
    const stream = `project-old-${i}`
    const declared = (n: number): DomainEvent => ({
      type: 'ProjectDeclared',
      data: { uid, labels: { revision: String(n) }, spec: { description: `${n}`, servers: [], namespacing: 'always' } },
    })
    await log.append(
      stream,
      eventsOf(
        stream,
        Array.from({ length: revisions }, (_, n) => declared(n)),
      ),
      'none',
    )
  }
}
