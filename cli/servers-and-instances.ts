import type { Deps } from './deps.ts'
import { isCode, usageError } from './errors.ts'
import { findKind, getTarget, type Target } from './targets.ts'

/**
 * What the words after a verb mean: `NAME…`, `server/NAME instance/NAME…`, `server NAME…`. A name alone is a server, or,
 * where there is none of that name, an instance. Each of them exists.
 *
 * @param otherwise what other kinds are told: `have no logs`
 */
export const serversAndInstances = async (
  deps: Deps,
  words: readonly string[],
  otherwise: string,
): Promise<readonly Target[]> => {
  const registry = await deps.registry()
  const [server, instance] = [findKind(registry, 'server'), findKind(registry, 'instance')]
  const named = (word: string, name: string): Target => {
    const kind = findKind(registry, word)
    if (kind !== server && kind !== instance)
      throw usageError(`${kind.plural} ${otherwise}`, 'Servers and instances do')
    return { kind, name }
  }
  const [first = '', ...names] = words
  const isKind = names.length > 0 && registry.find(first) !== undefined
  const targets: Target[] = []
  for (const word of isKind ? names : words) {
    const [kind = '', name] = word.split('/')
    if (!isKind && name === undefined) {
      targets.push(await serverOrInstance(deps, word, server, instance))
      continue
    }
    const target = isKind ? named(first, word) : named(kind, name ?? '')
    await getTarget(deps.api, target)
    targets.push(target)
  }
  return targets
}

const serverOrInstance = async (
  { api }: Deps,
  name: string,
  server: Target['kind'],
  instance: Target['kind'],
): Promise<Target> => {
  try {
    await getTarget(api, { kind: server, name })
    return { kind: server, name }
  } catch (error) {
    if (!isCode(error, 'not-found') || (await api.find(instance, name)) === undefined) throw error
    return { kind: instance, name }
  }
}
