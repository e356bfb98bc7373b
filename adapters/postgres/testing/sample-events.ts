import { randomUUID } from 'node:crypto'
import type { NewEvent } from '../../../domain/kernel/event.ts'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import type { Logger } from '../../../domain/kernel/logger.ts'

/** Says nothing. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A logger that keeps the fields of its warnings. */
export const warnings = (): { readonly logger: Logger; readonly seen: readonly object[] } => {
  const seen: object[] = []
  return { logger: { ...silent, warn: (fields) => seen.push(fields) }, seen }
}

/** An event as commands make it. */
export const event = (type: string, data: JsonObject, schemaVersion = 1): NewEvent => {
  const id = randomUUID()
  return {
    id,
    type,
    data,
    metadata: {
      schemaVersion,
      occurredAt: '2026-03-01T12:00:00.000Z',
      actor: { kind: 'User', name: 'ada' },
      commandId: id,
      correlationId: id,
      causationId: id,
    },
  }
}

export const projectDeclared = (description: string, labels: Readonly<Record<string, string>> = {}): NewEvent =>
  event('ProjectDeclared', { uid: 'u1', spec: { description, servers: [], namespacing: 'always' }, labels })

export const projectDeleted = (): NewEvent => event('ProjectDeleted', { uid: 'u1' })

export const serverDeclared = (command = 'true'): NewEvent =>
  event('ServerDeclared', {
    uid: 's1',
    spec: { command, args: [], env: [], transport: 'STDIO', sessions: 'shared', replicas: 1, allowScripts: false },
    labels: {},
  })

const at = '2026-03-01T12:00:00.000Z'

export const instanceCreated = (server: string): NewEvent =>
  event('InstanceCreated', { server, serverUid: 's1', serverRevision: '0', uid: 'i1', at })

export const instanceStarted = (server: string): NewEvent => event('InstanceStarted', { server, at, details: {} })

export const instanceStopped = (server: string): NewEvent => event('InstanceStopped', { server, reason: 'test', at })
