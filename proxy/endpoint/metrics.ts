import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallRecord } from '../session/client-request.ts'

/** What `/metrics` shows. Labels are names of projects and servers that exist, never what a client made up. */
export interface ProxyMetrics {
  readonly registry: Registry
  observe(record: CallRecord): void
}

/** Server of what is answered here: lists, ping, refusals. */
const HERE = ''

export interface MetricSources {
  readonly sessions: { readonly size: number }
  readonly events: { readonly events: number; readonly bytes: number }
  /** Whether to tell of the process, too. */
  readonly ofProcess: boolean
}

export const proxyMetrics = ({ sessions, events, ofProcess }: MetricSources): ProxyMetrics => {
  const registry = new Registry()
  const registers = [registry]
  if (ofProcess) collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  gauge('mcplocal_sessions', 'Client sessions that are open', () => sessions.size)
  gauge('mcplocal_kept_events', 'Events kept for clients whose connection breaks', () => events.events)
  gauge('mcplocal_kept_event_bytes', 'Size of these events', () => events.bytes)
  const calls = new Counter({
    name: 'mcplocal_calls_total',
    help: 'Requests of clients, by how they ended (ok, tool-error, error, cancelled, refused)',
    labelNames: ['project', 'server', 'outcome'] as const,
    registers,
  })
  const durations = new Histogram({
    name: 'mcplocal_call_duration_seconds',
    help: 'Time from a request of a client to its answer',
    labelNames: ['project', 'server'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  })
  return {
    registry,
    observe({ project, server = HERE, outcome, ms }) {
      calls.inc({ project, server, outcome })
      durations.observe({ project, server }, ms / 1000)
    },
  }
}
