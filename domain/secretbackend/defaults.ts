import { z } from 'zod'
import type { Decider } from '../kernel/decider.ts'
import { type EventOf, eventType } from '../kernel/event-type.ts'
import { type Ref, resourceName } from '../kernel/name.ts'

/** The backend that secrets without one of their own are written to. On the stream `defaults-secretbackend`. */
export const defaultSecretBackendChosen = eventType({
  type: 'DefaultSecretBackendChosen',
  version: 1,
  categories: ['defaults'],
  summary: 'Secrets that name no backend are written to this one from now on',
  schema: z.object({ name: resourceName, previous: resourceName.optional() }),
})

/** One small stream, so that exactly one backend is the default. It refers to that backend, which so cannot be deleted. */
export const DEFAULTS: Ref = { kind: 'defaults', name: 'secretbackend' }

export interface DefaultBackend {
  readonly name?: string
}

export const defaultBackendDecider: Decider<
  DefaultBackend,
  { readonly type: 'ChooseDefault'; readonly name: string },
  EventOf<typeof defaultSecretBackendChosen>
> = {
  initial: {},
  evolve: (_state, { data }) => ({ name: data.name }),
  decide(command, state) {
    if (state.name === command.name) return []
    const previous = state.name === undefined ? {} : { previous: state.name }
    return [{ type: 'DefaultSecretBackendChosen', data: { name: command.name, ...previous } }]
  },
}
