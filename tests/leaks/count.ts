import { readdirSync } from 'node:fs'
import type { Daemon } from '../testing/daemon.ts'
import { collectGarbage } from '../testing/garbage.ts'
import { leadersIn } from '../testing/leaders.ts'

/** How much there is of what clients must not leave behind, by name. */
export type Counts = Readonly<Record<string, number>>

/** Two programs and what runs for them. */
export interface Counted {
  readonly mcpd: Daemon
  readonly mcplocal: Daemon
  /** `work` in mcpd's data folder. */
  readonly work: string
}

const files = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

const metricsOf = async ({ url }: Daemon): Promise<string> => (await fetch(`${url}/metrics`)).text()

/** Timers, sockets, listeners, pipes and the like, by what keeps the process going. */
const resources = (who: string, metrics: string): [string, number][] =>
  [...metrics.matchAll(/^nodejs_active_resources\{type="(\w+)"\} (\d+)/gm)].map(([, type, count]) => [
    `${who} ${type}`,
    Number(count),
  ])

const gauge = (metrics: string, name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1])

/** What there is now. One connection to each program, over which this is asked, is in it. */
export const countAll = async ({ mcpd, mcplocal, work }: Counted): Promise<Counts> => {
  const [ofMcpd, ofMcplocal] = [await metricsOf(mcpd), await metricsOf(mcplocal)]
  return {
    'programs of servers': leadersIn(work).length,
    'mcpd files and sockets': files(mcpd.pid),
    'mcplocal files and sockets': files(mcplocal.pid),
    'mcplocal sessions': gauge(ofMcplocal, 'mcplocal_sessions'),
    'mcplocal kept events': gauge(ofMcplocal, 'mcplocal_kept_events'),
    ...Object.fromEntries([...resources('mcpd', ofMcpd), ...resources('mcplocal', ofMcplocal)]),
  }
}

/** Bytes that live on the heaps, after a collection of garbage. */
export const heapsOf = async ({ mcpd, mcplocal }: Counted): Promise<Counts> => {
  const heap = async (daemon: Daemon): Promise<number> => {
    await collectGarbage(daemon.log())
    return gauge(await metricsOf(daemon), 'nodejs_heap_size_used_bytes')
  }
  return { mcpd: await heap(mcpd), mcplocal: await heap(mcplocal) }
}

/** What there is more of than before, in words. */
export const moreThan = (before: Counts, now: Counts): string[] =>
  Object.entries(now)
    .filter(([name, count]) => !(count <= (before[name] ?? 0)))
    .map(([name, count]) => `${name}: ${count} instead of ${before[name] ?? 0}`)
