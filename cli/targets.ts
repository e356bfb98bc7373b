import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import type { ApiClient } from './api-client.ts'
import { CliError, isCode, usageError } from './errors.ts'
import { findOffered, offeredKinds } from './offered/kinds.ts'
import { didYouMean } from './suggest.ts'

/** One resource that a command line names. */
export interface Target {
  readonly kind: KindDefinition
  readonly name: string
}

/** What the words after a verb mean: all of some kinds, or resources by name. */
export type Targets =
  | { readonly type: 'kinds'; readonly kinds: readonly KindDefinition[] }
  | { readonly type: 'named'; readonly named: readonly Target[] }

/** A kind by any of its names. @throws CliError `usage` with the nearest one */
export const findKind = (registry: Registry, word: string): KindDefinition => {
  const kind = registry.find(word)
  if (kind !== undefined) return kind
  const offered = findOffered(word)
  if (offered !== undefined)
    throw usageError(
      `${offered.plural} are offered by servers, mcpd does not keep them`,
      `"mcpctl get ${offered.plural} -p PROJECT" lists them`,
    )
  const names = [...registry.kinds, ...offeredKinds].flatMap((each) => [each.kind, each.plural, ...each.shortNames])
  const plurals = registry.kinds.map(({ plural }) => plural).join(', ')
  throw usageError(`there is no kind "${word}"`, didYouMean(word, names, `Kinds: ${plurals}`))
}

/** `servers`, `servers,secrets`, `all`, `server a b`, `server/a secret/b`. */
export const parseTargets = (registry: Registry, words: readonly string[]): Targets => {
  const [first, ...names] = words
  if (first === undefined)
    throw usageError('which kind?', `Kinds: ${registry.kinds.map(({ plural }) => plural).join(', ')}`)
  if (words.some((word) => word.includes('/')))
    return { type: 'named', named: words.map((word) => slashed(registry, word)) }
  const kinds = first === 'all' ? registry.kinds : first.split(',').map((word) => findKind(registry, word))
  const [kind] = kinds
  if (names.length === 0 || kind === undefined) return { type: 'kinds', kinds }
  if (kinds.length > 1) throw usageError('names go with one kind', 'Write kind/name for resources of several kinds')
  return { type: 'named', named: names.map((name) => ({ kind, name })) }
}

/** Exactly one resource: `kind/name` or `kind name`. */
export const parseTarget = (registry: Registry, words: readonly string[]): Target => {
  const targets = parseTargets(registry, words)
  const [target, second] = targets.type === 'named' ? targets.named : []
  if (target === undefined) throw usageError('which one?', `Name it: ${words[0]}/NAME`)
  if (second !== undefined) throw usageError('one resource at a time, please')
  return target
}

const slashed = (registry: Registry, word: string): Target => {
  const [kind, name, more] = word.split('/')
  if (kind === undefined || kind === '' || name === undefined || name === '' || more !== undefined)
    throw usageError(`"${word}" is no KIND/NAME`, 'When one word is written as kind/name, all of them are')
  return { kind: findKind(registry, kind), name }
}

/** Gets a resource; when there is none of that name, the error says which one was probably meant. */
export const getTarget = async (api: ApiClient, { kind, name }: Target): Promise<Resource> => {
  try {
    return await api.get(kind, name)
  } catch (error) {
    throw await withNearestName(api, { kind, name }, error)
  }
}

/** A `not-found` with the nearest existing name as its hint; any other error as it is. */
export const withNearestName = async (api: ApiClient, { kind, name }: Target, error: unknown): Promise<unknown> => {
  if (!isCode(error, 'not-found')) return error
  const { items } = await api.list(kind)
  const names = items.map(({ metadata }) => metadata.name)
  const hint = didYouMean(name, names, names.length === 0 ? `There are no ${kind.plural}` : error.hint)
  return new CliError(error.code, error.message, {
    hint,
    exit: error.exit,
    ...(error.status === undefined ? {} : { status: error.status }),
  })
}
