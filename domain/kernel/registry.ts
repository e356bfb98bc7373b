import type { KindDefinition } from './kind.ts'

/** The kinds of one system, to be found by any of their names. */
export interface Registry {
  /** In dependency order: a kind comes after all kinds it refers to. `apply` goes forwards, `delete` backwards. */
  readonly kinds: readonly KindDefinition[]
  /** By kind, plural or short name, in any case; undefined when there is none. */
  find(name: string): KindDefinition | undefined
}

/** Builds the registry; two kinds that share a name, or refer to each other in a circle, are a bug and throw. */
export const createRegistry = (kinds: readonly KindDefinition[]): Registry => {
  const byName = new Map<string, KindDefinition>()
  for (const each of kinds) {
    if (!/^[a-z][a-z0-9]*$/.test(each.kind)) throw new Error(`kind ${each.kind} must be lower-case letters and digits`)
    for (const name of new Set([each.kind, each.plural, ...each.shortNames])) {
      if (byName.has(name)) throw new Error(`kinds ${byName.get(name)?.kind} and ${each.kind} share the name ${name}`)
      byName.set(name, each)
    }
  }
  return { kinds: inDependencyOrder(kinds), find: (name) => byName.get(name.toLowerCase()) }
}

const inDependencyOrder = (kinds: readonly KindDefinition[]): readonly KindDefinition[] => {
  const ordered: KindDefinition[] = []
  const visit = (kind: KindDefinition, path: readonly string[]): void => {
    if (ordered.includes(kind)) return
    if (path.includes(kind.kind))
      throw new Error(`kinds refer to each other in a circle: ${[...path, kind.kind].join(' → ')}`)
    for (const name of kind.refersTo) {
      const target = kinds.find((each) => each.kind === name)
      if (target === undefined) throw new Error(`kind ${kind.kind} refers to ${name}, which does not exist`)
      visit(target, [...path, kind.kind])
    }
    ordered.push(kind)
  }
  for (const kind of kinds) visit(kind, [])
  return ordered
}
