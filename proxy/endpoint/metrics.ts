import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CallRecord } from '../session/client-request.ts'

/** What `/metrics` shows. Labels are names of projects and servers that exist, never what a client made up. */
export interface ProxyMetrics {
  readonly registry: Registry
  observe(record: CallRecord): void
}

/** Server of what is answered here: lists, ping, refusals. */
const HERE = ''

/** @param sessions how many there are */
export const proxyMetrics = (sessions: () => number): ProxyMetrics => {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'mcplocal_sessions',
    help: 'Client sessions that are open',
    registers,
    collect() {
      this.set(sessions())
    },
  })
  const calls = new Counter({
    name: 'mcplocal_calls_total',
    help: 'Requests of clients, by how they ended (ok, tool-error, error, cancelled)',
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
