import type { NewId } from '../domain/kernel/clock.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import { SYSTEM_PROJECT } from '../domain/project/resource.ts'
import type { CommandContext } from './context.ts'
import type { DefaultBackend } from './default-backend.ts'
import type { CommandLoop } from './handle.ts'
import { reactorContext } from './reactors/reactor.ts'
import type { ResourceCommands } from './resources.ts'

const SEEDS = [
  { kind: 'secretbackend', name: 'default', spec: { type: 'encrypted', description: 'made at the first start' } },
  {
    kind: 'project',
    name: SYSTEM_PROJECT,
    spec: { description: 'what belongs to mcpctl itself', servers: [], namespacing: 'always' },
  },
] as const

/** What every system has from its first start. Only what never existed is made: a user's changes and deletions stay. */
export const seed = async (deps: {
  readonly loop: CommandLoop
  readonly registry: Registry
  readonly resources: ResourceCommands
  readonly defaultBackend: DefaultBackend
  readonly log: { revisionOf(stream: string): Promise<bigint | 'none'> }
  readonly newId: NewId
}): Promise<void> => {
  const context: CommandContext = reactorContext('seed', deps.newId())
  for (const { kind, name, spec } of SEEDS) {
    const definition = deps.registry.find(kind)
    if (definition === undefined || (await deps.log.revisionOf(`${kind}-${name}`)) !== 'none') continue
    await deps.resources.declare({ kind: definition, name, labels: {}, spec, mode: 'apply' }, context)
  }
  if ((await deps.defaultBackend.current()) === undefined) await deps.defaultBackend.choose('default', context)
}
