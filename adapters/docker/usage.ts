import type { ContainerStats } from 'dockerode'
import type { Usage } from '../../domain/instance/runtime.ts'

/** What one container uses: without the files that the system only keeps at hand, as `docker stats` counts. */
export const usageOf = ({ cpu_stats, memory_stats, pids_stats }: ContainerStats): Usage => {
  const { usage = 0, stats } = memory_stats
  const cached = stats?.total_inactive_file ?? stats?.inactive_file ?? 0
  return {
    cpuMs: Math.round((cpu_stats.cpu_usage?.total_usage ?? 0) / 1e6),
    memoryBytes: Math.max(0, usage - cached),
    processes: pids_stats?.current ?? 0,
  }
}
