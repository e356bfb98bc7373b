import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../../domain/catalog.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import type { CommandContext } from '../context.ts'
import { createDefaultBackend } from '../default-backend.ts'
import { createCommandLoop } from '../handle.ts'
import { createResourceCommands, type KindHooks, type Mutation } from '../resources.ts'

const registry = createRegistry(kinds)
const kindOf = (name: string) => {
  const kind = registry.find(name)
  if (kind === undefined) throw new Error(`no kind ${name}`)
  return kind
}

/** The context of a command that the user ada gives; with a `requestHash` it may be a repeated one. */
export const context = (more: Partial<CommandContext> = {}): CommandContext => {
  const id = randomUUID()
  const isNew = more.requestHash === undefined
  return { actor: { kind: 'User', name: 'ada' }, commandId: id, correlationId: id, causationId: id, isNew, ...more }
}

/** Commands on an embedded log of each test's own, at a time that stands still. */
export const commandsOnLog = () => {
  let folder: string
  let log: EventLog
  let now: Date
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpctl-commands-'))
    log = await openEmbeddedLog({ folder })
    now = new Date('2026-01-01T00:00:00.000Z')
  })
  afterEach(async () => {
    await log.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** The commands of one process on the log, or on one that stands in for it. */
  const setUp = (onLog = log, hooks: Readonly<Record<string, KindHooks>> = {}) => {
    const clock = { now: () => now }
    const loop = createCommandLoop({ log: onLog, catalog, clock })
    const resources = createResourceCommands({ loop, registry, clock, newId: randomUUID, hooks })
    const declare = (
      kind: string,
      name: string,
      spec: object,
      more: { mode?: 'create' | 'apply'; ifMatch?: bigint } = {},
      as = context(),
    ): Promise<Mutation> => {
      const definition = kindOf(kind)
      const parsed = definition.spec.parse(spec) as never
      return resources.declare({ kind: definition, name, labels: {}, spec: parsed, mode: 'apply', ...more }, as)
    }
    const remove = (kind: string, name: string, as = context()) => resources.delete({ kind: kindOf(kind), name }, as)
    return { declare, remove, backends: createDefaultBackend(loop, registry, clock) }
  }

  const types = async (stream: string): Promise<string[]> => {
    const all: string[] = []
    for await (const { type } of log.readStream(stream)) all.push(type)
    return all
  }

  return {
    setUp,
    types,
    log: () => log,
    /** Lets time go by. */
    pass(ms: number): void {
      now = new Date(now.getTime() + ms)
    },
  }
}

/** A server's spec. */
export const server = { command: 'node', args: ['server.js'] }
