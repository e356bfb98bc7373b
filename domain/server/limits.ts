import { z } from 'zod'
import type { Limits } from '../instance/runtime.ts'

/** Quantities as Kubernetes writes them. */
const memory = z
  .string()
  .regex(
    /^[1-9][0-9]{0,14}(Ki|Mi|Gi|k|M|G)?$/,
    'must be bytes, or a number with Ki, Mi, Gi, k, M or G, such as "512Mi"',
  )
const cpu = z
  .string()
  .regex(/^([1-9][0-9]{0,5}m|[0-9]{1,3}(\.[0-9]{1,3})?)$/, 'must be a number of CPUs, such as "0.5" or "500m"')
  .refine((text) => Number.parseFloat(text) > 0, 'must be more than 0')

/** What one copy may use; what is left out has no limit. */
export const limits = z.strictObject({
  memory: memory.optional().describe('Memory of the copy with all its processes, such as "512Mi"'),
  cpu: cpu.optional().describe('CPUs, such as "0.5" or "500m"'),
  openFiles: z.int().min(16).max(1_048_576).optional().describe('Files that one process may have open'),
  processes: z.int().min(1).max(100_000).optional().describe('Processes and threads'),
})

/** Bytes of each suffix, in the order in which `showBytes` tries them. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
  ['', 1],
])

/** A whole number of bytes as `memory` would be declared: `512Mi`. */
export const showBytes = (bytes: number): string => {
  const [suffix, unit] = [...UNITS].find(([, size]) => bytes % size === 0) ?? ['', 1]
  return `${bytes / unit}${suffix}`
}

/** The same in bytes and whole CPUs, as runtimes take them. */
export const limitsOf = ({ memory, cpu, openFiles, processes }: z.output<typeof limits>): Limits => {
  const unit = memory?.replace(/^[0-9]+/, '') ?? ''
  return {
    ...(memory === undefined ? {} : { memoryBytes: Number.parseInt(memory, 10) * (UNITS.get(unit) ?? 1) }),
    ...(cpu === undefined ? {} : { cpus: Number.parseFloat(cpu) / (cpu.endsWith('m') ? 1000 : 1) }),
    ...(openFiles === undefined ? {} : { openFiles }),
    ...(processes === undefined ? {} : { processes }),
  }
}
