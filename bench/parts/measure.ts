/** Operations a second that `clients` loops reach together in `seconds`. `once` gets the client's number and how often it ran before. */
export const rate = async (
  clients: number,
  seconds: number,
  once: (client: number, n: number) => Promise<unknown>,
): Promise<number> => {
  const began = performance.now()
  const end = began + seconds * 1000
  const counts = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      let n = 0
      while (performance.now() < end) await once(client, n++)
      return n
    }),
  )
  return Math.round((counts.reduce((all, n) => all + n, 0) / (performance.now() - began)) * 1000)
}

/** How long one run of `once` took, in milliseconds. */
export const timed = async (once: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await once()
  return performance.now() - began
}

/** The value below which `share` (0..1) of the values lie; NaN of none. Rounded to microseconds when they are milliseconds. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return Math.round(value * 1000) / 1000
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/**
 * The medians of several measurements that take turns, `rounds` times round, every other round in reverse: whatever else
 * the machine does meanwhile falls on all of them.
 */
export const inTurns = async <Name extends string>(
  rounds: number,
  measurements: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number>> => {
  const names = Object.keys(measurements) as Name[]
  const values = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) values.get(name)?.push(await measurements[name]())
  }
  return Object.fromEntries(names.map((name) => [name, median(values.get(name) ?? [])])) as Record<Name, number>
}
