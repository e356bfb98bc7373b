import type { Clock } from '../domain/kernel/clock.ts'
import { streamOf } from '../domain/kernel/name.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import { DEFAULTS, defaultBackendDecider } from '../domain/secretbackend/defaults.ts'
import type { CommandContext } from './context.ts'
import type { CommandLoop } from './handle.ts'
import { createReferences } from './references.ts'
import type { Mutation } from './resources.ts'

export interface DefaultBackend {
  /** Name of the backend that secrets are written to when they name none; undefined before the first start is done. */
  current(): Promise<string | undefined>
  /** Makes another backend the default. @throws ReferenceNotFound */
  choose(name: string, context: CommandContext): Promise<Mutation>
}

/** Exactly one backend is the default: one small stream says which, and holds a reference on it. */
export const createDefaultBackend = (loop: CommandLoop, registry: Registry, clock: Clock): DefaultBackend => {
  const references = createReferences(loop, registry, clock)
  const backend = (name: string) => ({ kind: 'secretbackend', name })
  return {
    async current() {
      const { state } = await loop.load(defaultBackendDecider, streamOf(DEFAULTS))
      return state.name
    },
    async choose(name, context) {
      const { state: before } = await loop.load(defaultBackendDecider, streamOf(DEFAULTS))
      if (before.name === name) return { outcome: 'unchanged', events: [], position: undefined }
      const taken = await references.take(DEFAULTS, backend(name), context)
      const done = await loop.handle(
        defaultBackendDecider,
        streamOf(DEFAULTS),
        { type: 'ChooseDefault', name },
        context,
      )
      const released =
        before.name === undefined || context.dryRun === true
          ? []
          : await references.release(DEFAULTS, backend(before.name), context)
      const events = [...taken, ...done.events, ...released]
      return { outcome: 'configured', events, position: events.at(-1)?.position }
    },
  }
}
