/** What a bench measured, by dotted name: `mcplocal.c1_p50_ms`. null: could not be measured here, and the bench said why. */
export type Figures = Readonly<Record<string, number | string | null>>

/** A bench's result with its nesting laid flat. */
export const flat = (result: object, prefix = ''): Figures =>
  Object.fromEntries(
    Object.entries(result).flatMap(([name, value]): [string, number | string | null][] => {
      const path = `${prefix}${name}`
      if (typeof value === 'object' && value !== null) return Object.entries(flat(value, `${path}.`))
      return [[path, typeof value === 'number' || typeof value === 'string' ? value : null]]
    }),
  )

/** What we hold ourselves to. */
export interface Goal {
  readonly text: string
  /** The measured side of the comparison; NaN when a figure is missing. */
  readonly value: (figure: (name: string) => number) => number
  readonly atLeast?: number
  readonly atMost?: number
}

const ratio = (text: string, of: string, to: string, bound: Pick<Goal, 'atLeast' | 'atMost'>): Goal => ({
  text,
  value: (figure) => figure(of) / figure(to),
  ...bound,
})
const difference = (text: string, of: string, less: string, bound: Pick<Goal, 'atLeast' | 'atMost'>): Goal => ({
  text,
  value: (figure) => figure(of) - figure(less),
  ...bound,
})
const plain = (text: string, name: string, bound: Pick<Goal, 'atLeast' | 'atMost'>): Goal => ({
  text,
  value: (figure) => figure(name),
  ...bound,
})
const FAULTS = [
  'never_answers_initialize',
  'ends_after_5_s',
  'half_a_line',
  'floods_100_mb',
  'result_of_50_mb',
] as const
const PEERS = ['mcp_proxy', 'supergateway'] as const

export const goals: Readonly<Record<string, readonly Goal[]>> = {
  log: [
    ratio('append_c1 / raw_lmdb_c1', 'append_c1', 'raw_lmdb_c1', { atLeast: 0.8 }),
    ratio('append_c32 / raw_lmdb_c32', 'append_c32', 'raw_lmdb_c32', { atLeast: 0.8 }),
  ],
  commands: [
    ratio('c1 / raw_append_c1', 'c1', 'raw_append_c1', { atLeast: 0.4 }),
    plain('c32 per second', 'c32', { atLeast: 3000 }),
    ratio('es_c1 / es_raw_c1', 'es_c1', 'es_raw_c1', { atLeast: 0.5 }),
  ],
  visible: [plain('p50_ms', 'p50_ms', { atMost: 5 }), plain('p99_ms', 'p99_ms', { atMost: 25 })],
  rebuild: [
    plain('pglite, events per second', 'pglite', { atLeast: 25_000 }),
    plain('postgres, events per second', 'postgres', { atLeast: 40_000 }),
  ],
  mcp: [
    ratio('mcplocal c1 p50 / bare', 'mcplocal.c1_p50_ms', 'bare.c1_p50_ms', { atMost: 1.4 }),
    ratio('mcplocal c8 / bare', 'mcplocal.c8_rps', 'bare.c8_rps', { atLeast: 0.75 }),
    ratio('mcplocal_remote c1 p50 / bare', 'mcplocal_remote.c1_p50_ms', 'bare.c1_p50_ms', { atMost: 2 }),
    ...PEERS.flatMap((peer) => [
      ratio(`mcplocal c1 p50 / ${peer}`, 'mcplocal.c1_p50_ms', `${peer}.c1_p50_ms`, { atMost: 1 }),
      ratio(`mcplocal c8 / ${peer}`, 'mcplocal.c8_rps', `${peer}.c8_rps`, { atLeast: 1 }),
    ]),
    ratio('mcplocal c64 / its c8', 'mcplocal.c64_rps', 'mcplocal.c8_rps', { atLeast: 0.8 }),
    ...PEERS.map((peer) => ratio(`mcplocal init / ${peer}`, 'mcplocal.init_ms', `${peer}.init_ms`, { atMost: 1 })),
    ratio('result of 10 MB / direct', 'mcplocal.result_10mb_ms', 'direct.result_10mb_ms', { atMost: 1.3 }),
    difference('progress, ms added to direct', 'mcplocal.progress_ms', 'direct.progress_ms', { atMost: 0.5 }),
    plain('tools/list of 20 servers, ms', 'tools_list_20_ms', { atMost: 5 }),
    plain('p99 beside a server that hangs', 'beside_hung', { atMost: 1.2 }),
    plain('a session, MB', 'session_mb', { atMost: 1 }),
    plain('STDIO, ms added to the start', 'stdio.added_start_ms', { atMost: 60 }),
    plain('STDIO, ms added to a call', 'stdio.added_call_ms', { atMost: 0.3 }),
    plain('mcplocal errors', 'mcplocal.errors', { atMost: 0 }),
    plain('mcplocal_remote errors', 'mcplocal_remote.errors', { atMost: 0 }),
  ],
  cli: [
    ratio('version / node', 'version_ms', 'node_ms', { atMost: 1.5 }),
    ratio('get / node', 'get_ms', 'node_ms', { atMost: 3 }),
  ],
  memory: [
    plain('up_idle_mb', 'up_idle_mb', { atMost: 260 }),
    plain('mcplocal_idle_mb', 'mcplocal_idle_mb', { atMost: 90 }),
    plain('growth_pct', 'growth_pct', { atMost: 5 }),
  ],
  growth: [
    ratio('commands_c1 at 1,000 / at 1,000,000 events', 'commands_c1.at_1000', 'commands_c1.at_1000000', {
      atMost: 1.15,
    }),
    ratio('start_ms at 1,000,000 / at 1,000 events', 'start_ms.at_1000000', 'start_ms.at_1000', { atMost: 1.15 }),
  ],
  instances: [
    plain('spawn_overhead_ms', 'spawn_overhead_ms', { atMost: 60 }),
    plain('recover_ms', 'recover_ms', { atMost: 5_000 }),
    plain('reconcile_1000_ms', 'reconcile_1000_ms', { atMost: 50 }),
    plain('idle_cpu_pct', 'idle_cpu_pct', { atMost: 2 }),
    ...FAULTS.map((fault) => plain(`p99 beside a server that: ${fault}`, `faults.${fault}`, { atMost: 1.2 })),
  ],
  start: [
    plain('first_call_ms', 'first_call_ms', { atMost: 10_000 }),
    plain('restart_ms', 'restart_ms', { atMost: 1_500 }),
  ],
}

/** One line a goal: what it is, what was measured, whether it is met. */
export const judged = (bench: string, figures: Figures): readonly string[] =>
  (goals[bench] ?? []).map(({ text, value, atLeast, atMost }) => {
    const measured = value((name) => Number(figures[name] ?? Number.NaN))
    const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
    const met = atLeast === undefined ? measured <= (atMost ?? 0) : measured >= atLeast
    return Number.isNaN(measured)
      ? `${text} ${bound}: not measured`
      : `${text} ${bound}: ${rounded(measured)}, ${met ? 'met' : 'MISSED'}`
  })

const rounded = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toFixed(2))
