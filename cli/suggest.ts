import { createRequire } from 'node:module'

type Levenshtein = typeof import('fastest-levenshtein')

/** Loaded with the first typo: it would be a tenth of the time that `mcpctl version` takes. */
const distance: Levenshtein['distance'] = (a, b) => {
  const { distance: between }: Levenshtein = createRequire(import.meta.url)('fastest-levenshtein')
  return between(a, b)
}

/** The candidate that was probably meant: at most a third of its letters differ. */
export const closest = (typed: string, candidates: readonly string[]): string | undefined => {
  const word = typed.toLowerCase()
  let best: { candidate: string; far: number } | undefined
  for (const candidate of candidates) {
    const far = typosBetween(word, candidate.toLowerCase())
    if (best === undefined || far < best.far) best = { candidate, far }
  }
  if (best === undefined) return undefined
  const allowed = Math.max(1, Math.floor(Math.max(word.length, best.candidate.length) / 3))
  return best.far <= allowed ? best.candidate : undefined
}

/** Letters in another order are the most frequent slip; Levenshtein counts two for it. */
const typosBetween = (a: string, b: string): number => (a !== b && sorted(a) === sorted(b) ? 1 : distance(a, b))

const sorted = (word: string): string => [...word].sort().join('')

/** `Did you mean "x"?`, or the fallback when nothing is near. */
export const didYouMean = (typed: string, candidates: readonly string[], otherwise?: string): string | undefined => {
  const candidate = closest(typed, candidates)
  return candidate === undefined ? otherwise : `Did you mean "${candidate}"?`
}
