import type { Decider } from '../domain/kernel/decider.ts'
import {
  type DeclaredCommand,
  type DeclaredEvent,
  type DeclaredState,
  declaredDecider,
} from '../domain/kernel/declared.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'

const deciders = new WeakMap<KindDefinition, Decider<DeclaredState, DeclaredCommand, DeclaredEvent>>()

/** The decider of a declared kind, the same object each time, since folded streams are kept by it. */
export const deciderOf = (kind: KindDefinition): Decider<DeclaredState, DeclaredCommand, DeclaredEvent> => {
  const known = deciders.get(kind)
  if (known !== undefined) return known
  if (kind.eventPrefix === undefined) throw new Error(`${kind.kind} is not a declared kind`)
  const decider = declaredDecider(kind.eventPrefix)
  deciders.set(kind, decider)
  return decider
}
