import type { Usage } from '../../domain/instance/runtime.ts'

/** What an instance uses: CPU on average over the last `windowMs`, memory at its end. */
export interface UsageSample {
  readonly cpuMillicores: number
  readonly memoryBytes: number
  readonly processes: number
  readonly windowMs: number
}

export interface UsageSamplesOptions {
  readonly usage: (instance: string) => Promise<Usage | undefined>
  /** Milliseconds; only differences count. */
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
}

/** How long CPU time is measured for an instance that nobody has asked for lately. */
export const SAMPLE_MS = 1_000
/** A measurement this old is none to go on from: the mean over a longer time hides what is. */
const OLDEST_MS = 60_000
/** Shorter windows than this say nothing: CPU time is counted in ticks of 10 ms. */
const SHORTEST_MS = 500

interface Measured {
  readonly at: number
  readonly usage: Usage
  /** What was answered last, for who asks again at once. */
  readonly sample?: UsageSample
}

/**
 * Makes CPU time into a share of CPUs: from what was measured when somebody asked before, or, for the others, by measuring
 * twice with `SAMPLE_MS` in between.
 */
export const usageSamples = ({ usage, now, wait }: UsageSamplesOptions) => {
  /** At most one an instance, and none older than `OLDEST_MS` once somebody asks again. */
  const last = new Map<string, Measured>()

  const measure = async (instance: string): Promise<UsageSample | undefined> => {
    const used = await usage(instance)
    const at = now()
    const before = last.get(instance)
    if (used === undefined) {
      last.delete(instance)
      return undefined
    }
    const windowMs = before === undefined ? 0 : at - before.at
    if (before !== undefined && windowMs < SHORTEST_MS) return before.sample
    const isNew = before === undefined || used.cpuMs < before.usage.cpuMs
    const sample = isNew ? undefined : sampleOf(before.usage, used, windowMs)
    last.set(instance, { at, usage: used, ...(sample === undefined ? {} : { sample }) })
    return sample
  }

  /** Answers what is known of these instances; those that do not run are left out. */
  return async (instances: readonly string[]): Promise<ReadonlyMap<string, UsageSample>> => {
    const oldest = now() - OLDEST_MS
    for (const [instance, { at }] of last) if (at < oldest) last.delete(instance)
    const found = new Map<string, UsageSample>()
    const measureAll = async (names: readonly string[]): Promise<readonly string[]> => {
      const samples = await Promise.all(names.map(measure))
      for (const [i, sample] of samples.entries()) if (sample !== undefined) found.set(names[i] ?? '', sample)
      return names.filter((name) => !found.has(name) && last.has(name))
    }
    const unknown = await measureAll(instances)
    if (unknown.length > 0) {
      await wait(SAMPLE_MS)
      await measureAll(unknown)
    }
    return found
  }
}

const sampleOf = (before: Usage, used: Usage, windowMs: number): UsageSample => ({
  cpuMillicores: Math.round(((used.cpuMs - before.cpuMs) / windowMs) * 1000),
  memoryBytes: used.memoryBytes,
  processes: used.processes,
  windowMs: Math.round(windowMs),
})
