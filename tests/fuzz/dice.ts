/** Random choices that a seed repeats exactly. */
export interface Dice {
  /** 0 ≤ x < 1. */
  next(): number
  /** 0 ≤ i < n. */
  below(n: number): number
  pick<T>(items: readonly T[]): T
  chance(probability: number): boolean
  /** One of several makers, each as likely as its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, make: () => T])[]): T
}

/** mulberry32: 32 bits of state are plenty for choosing test cases. */
export const createDice = (seed: number): Dice => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined && items.length === 0) throw new Error('nothing to pick from')
      return item as (typeof items)[number]
    },
    weighted(choices) {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, make] of choices) {
        left -= weight
        if (left < 0) return make()
      }
      throw new Error('no choice has a weight')
    },
  }
}

/** The seed of one case: of the run's seed and of what the case is called, so that one can be repeated without the others. */
export const seedOf = (seed: number, ...parts: readonly (string | number)[]): number => {
  let hash = 0x811c9dc5 ^ seed
  for (const char of parts.join('\u001f')) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash >>> 0
}
