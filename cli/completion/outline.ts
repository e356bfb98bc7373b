import type { Registry } from '../../domain/kernel/registry.ts'
import { globalOptions } from '../parse.ts'
import type { Argument, Option, VerbEntry } from '../verb.ts'

/** What a completion script knows of one verb. */
export interface VerbOutline {
  readonly path: string
  readonly summary: string
  readonly flags: readonly FlagOutline[]
  /** What its words are, by place; the last one stands for all that follow if it takes many. */
  readonly words: readonly Argument[]
}

export interface FlagOutline {
  readonly name: string
  readonly short?: string
  readonly describe: string
  readonly takesValue: boolean
  readonly offers: readonly string[]
  readonly complete?: Option['complete']
}

export interface ProgramOutline {
  readonly verbs: readonly VerbOutline[]
  /** All names of all kinds. */
  readonly kinds: readonly string[]
}

/** Loads every verb and writes down what can be completed. */
export const outlineOf = async (verbs: readonly VerbEntry[], registry: Registry): Promise<ProgramOutline> => {
  const shown: VerbOutline[] = []
  for (const entry of verbs) {
    if (entry.hidden === true) continue
    const verb = await entry.load()
    const flags = Object.entries({ ...globalOptions, ...verb.options }).map(([name, option]) =>
      flagOutline(name, option),
    )
    shown.push({ path: entry.path, summary: entry.summary, flags, words: Object.values(verb.arguments) })
  }
  return {
    verbs: shown,
    kinds: registry.kinds.flatMap(({ kind, plural, shortNames }) => [kind, plural, ...shortNames]),
  }
}

const flagOutline = (name: string, option: Option): FlagOutline => {
  const words = typeof option.complete === 'object' && 'words' in option.complete ? option.complete.words : []
  return {
    name: option.type === 'boolean' && option.default === true ? `no-${name}` : name,
    ...(option.short === undefined ? {} : { short: option.short }),
    describe: option.describe,
    takesValue: option.type !== 'boolean',
    offers: option.choices ?? words,
    ...(option.complete === undefined ? {} : { complete: option.complete }),
  }
}

/** First words of verbs, and second ones by first. */
export const families = (verbs: readonly VerbOutline[]): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>()
  for (const { path } of verbs) {
    const [first = '', second] = path.split(' ')
    const seconds = found.get(first) ?? []
    found.set(first, second === undefined ? seconds : [...seconds, second])
  }
  return found
}
