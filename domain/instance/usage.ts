import type { Usage } from './runtime.ts'

/** What several use together; undefined for none. */
export const together = (all: readonly Usage[]): Usage | undefined => {
  if (all.length === 0) return undefined
  const sum = (of: keyof Usage) => all.reduce((total, each) => total + each[of], 0)
  return { cpuMs: sum('cpuMs'), memoryBytes: sum('memoryBytes'), processes: sum('processes') }
}
