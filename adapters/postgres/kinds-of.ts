import type { Registry } from '../../domain/kernel/registry.ts'

/** Names of all kinds. */
export const kindsOf = (registry: Registry): readonly string[] => registry.kinds.map(({ kind }) => kind)
