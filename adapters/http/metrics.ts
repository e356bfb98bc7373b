import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as MetricRegistry } from 'prom-client'
import type { HttpDeps } from './deps.ts'

interface CallFigures {
  readonly project: string
  readonly server: string
  readonly method: string
  readonly outcome: string
  readonly durationMs: number
}

/** mcpd's Prometheus metrics. */
export interface HttpMetrics {
  readonly contentType: string
  render(): Promise<string>
  /** Counts one MCP call. */
  readonly mcpCall: (call: CallFigures) => void
  /** Counts one health probe. */
  readonly probed: (probe: ProbeFigures) => void
}

interface ProbeFigures {
  readonly server: string
  readonly probe: string
  readonly outcome: string
}

export const createMetrics = (
  deps: Pick<HttpDeps, 'readSide' | 'reactors'>,
): HttpMetrics & { observe(app: FastifyInstance): void } => {
  const registry = new MetricRegistry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'mcpd_http_request_duration_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  })
  const calls = new Histogram({
    name: 'mcpd_mcp_call_duration_seconds',
    help: 'Duration of MCP requests that were routed to servers',
    labelNames: ['project', 'server', 'method', 'outcome'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  })
  const probes = new Counter({
    name: 'mcpd_health_probes_total',
    help: 'Health probes of instances, by what was asked (liveness, readiness) and how it went (ok, failed)',
    labelNames: ['server', 'probe', 'outcome'],
    registers: [registry],
  })
  const failures = new Counter({
    name: 'mcpd_scrape_failures_total',
    help: 'Scrapes at which a gauge could not be read',
    registers: [registry],
  })
  readModelGauges(registry, deps, () => failures.inc())

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    mcpCall: ({ project, server, method, outcome, durationMs }) =>
      calls.observe({ project, server, method: knownMethod(method), outcome }, durationMs / 1000),
    probed: ({ server, probe, outcome }) => probes.inc({ server, probe, outcome }),
    observe(app) {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none'
        requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
      })
    },
  }
}

/** Methods are the client's own text: as a label only those that are known, so that nobody can make series without end. */
const METHODS = new Set([
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
])
const knownMethod = (method: string): string => (METHODS.has(method) ? method : 'other')

const readModelGauges = (
  registry: MetricRegistry,
  { readSide }: Pick<HttpDeps, 'readSide'>,
  failed: () => void,
): void => {
  const labelNames = ['read_model'] as const
  const lag = new Gauge({
    name: 'mcpd_read_model_lag_events',
    help: 'Events between a read model and the head of the log',
    labelNames,
    registers: [registry],
  })
  const behind = new Gauge({
    name: 'mcpd_read_model_lag_seconds',
    help: 'Age of the oldest event that a read model has not handled',
    labelNames,
    registers: [registry],
  })
  new Gauge({
    name: 'mcpd_read_model_up',
    help: '1 while a read model follows the log',
    labelNames,
    registers: [registry],
    async collect() {
      try {
        for (const model of await readSide.status()) {
          const label = { read_model: model.name }
          this.set(label, model.state === 'live' || model.state === 'rebuilding' ? 1 : 0)
          if (model.lagEvents !== undefined) lag.set(label, Number(model.lagEvents))
          if (model.lagSeconds !== undefined) behind.set(label, model.lagSeconds)
        }
      } catch {
        failed()
      }
    },
  })
}
