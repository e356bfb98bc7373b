import type { UsageItem } from './api/answers.ts'
import type { Deps } from './deps.ts'
import { exitCode, usageError } from './errors.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { aligned, table } from './output/table.ts'
import { getTarget, parseTargets, type Target } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    targets: {
      describe: 'instances or servers, or some of them by name',
      required: true,
      many: true,
      complete: 'target',
    },
  },
  options: {
    'sort-by': { type: 'string', choices: ['cpu', 'memory'], describe: 'The most first, instead of by name' },
    server: { type: 'string', describe: 'Only instances of this server', complete: { kind: 'server' } },
    headers: { type: 'boolean', default: true, describe: 'Without the line of headers' },
    output: dataOption,
  },
  examples: [
    ['$0 top instances', 'what every running copy uses'],
    ['$0 top servers --sort-by memory', 'what all copies of a server use together, the most first'],
    ['$0 top instances --server github', 'the copies of one server'],
    ['$0 top instances -o json', 'exact numbers'],
  ],
  epilogue:
    'CPU is an average over the last second at least, 1000m is one CPU. Memory is what is in RAM, with all processes of a copy.',
  async run(deps, { targets, 'sort-by': sortBy, server, headers, output }) {
    const { perServer, named } = await wanted(deps, targets, server)
    const items = await deps.api.usage(server)
    const all = perServer ? byServer(items) : byInstance(items)
    const rows = sorted(
      named === undefined ? all : all.filter(({ name }) => named.some((each) => each.name === name)),
      sortBy,
    )
    const idle = (named ?? []).filter(({ name }) => !rows.some((row) => row.name === name))
    if (output !== undefined) await printRows(deps, output, rows, perServer)
    else if (rows.length > 0) deps.out.data(text(rows, perServer, headers))
    else if (idle.length === 0) deps.out.note('Nothing runs')
    for (const { kind, name } of idle) deps.out.note(`${kind.kind}/${name} does not run`)
    return idle.length === 0 ? undefined : exitCode.failed
  },
})

/** Whether servers or instances are to be shown, and which of them; each must exist. */
const wanted = async (
  deps: Deps,
  words: readonly string[],
  server: string | undefined,
): Promise<{ perServer: boolean; named: readonly Target[] | undefined }> => {
  const found = parseTargets(await deps.registry(), words)
  const kinds = found.type === 'kinds' ? found.kinds : found.named.map(({ kind }) => kind)
  const [first] = kinds
  const wrong = kinds.find(({ kind }) => kind !== 'server' && kind !== 'instance')
  if (wrong !== undefined) throw usageError(`${wrong.plural} use nothing`, 'Servers and instances do')
  if (kinds.some((kind) => kind !== first)) throw usageError('servers or instances, one at a time')
  const perServer = first?.kind === 'server'
  if (server !== undefined && (perServer || found.type === 'named'))
    throw usageError('--server goes with instances only', 'Example: mcpctl top instances --server github')
  if (found.type === 'kinds') return { perServer, named: undefined }
  for (const target of found.named) await getTarget(deps.api, target)
  return { perServer, named: found.named }
}

interface Row extends Pick<UsageItem, 'cpuMillicores' | 'memoryBytes' | 'processes' | 'sessions'> {
  readonly name: string
  readonly instances: number
}

const byInstance = (items: readonly UsageItem[]): readonly Row[] =>
  items.map(({ instance, ...use }) => ({ name: instance, ...use, instances: 1 }))

const byServer = (items: readonly UsageItem[]): readonly Row[] => {
  const rows = new Map<string, Row>()
  for (const item of items) {
    const sum = rows.get(item.server) ?? NOTHING
    rows.set(item.server, {
      name: item.server,
      instances: sum.instances + 1,
      cpuMillicores: sum.cpuMillicores + item.cpuMillicores,
      memoryBytes: sum.memoryBytes + item.memoryBytes,
      processes: sum.processes + item.processes,
      sessions: sum.sessions + item.sessions,
    })
  }
  return [...rows.values()]
}
const NOTHING = { instances: 0, cpuMillicores: 0, memoryBytes: 0, processes: 0, sessions: 0 }

const sorted = (rows: readonly Row[], by: string | undefined): readonly Row[] => {
  const most = (row: Row): number => (by === 'cpu' ? -row.cpuMillicores : by === 'memory' ? -row.memoryBytes : 0)
  return [...rows].sort((a, b) => most(a) - most(b) || (a.name < b.name ? -1 : 1))
}

const MEBIBYTE = 2 ** 20

const text = (rows: readonly Row[], perServer: boolean, withHeaders: boolean): string => {
  const headers = [
    'NAME',
    ...(perServer ? ['INSTANCES'] : []),
    ...['CPU(cores)', 'MEMORY(bytes)', 'PROCESSES', 'SESSIONS'],
  ]
  const cells = rows.map(({ name, instances, cpuMillicores, memoryBytes, processes, sessions }) => [
    name,
    ...(perServer ? [`${instances}`] : []),
    ...[`${cpuMillicores}m`, `${Math.round(memoryBytes / MEBIBYTE)}Mi`, `${processes}`, `${sessions}`],
  ])
  if (withHeaders) return table(headers, cells)
  return aligned(cells)
    .map((line) => `${line}\n`)
    .join('')
}

const printRows = async ({ out }: Deps, format: string, rows: readonly Row[], perServer: boolean): Promise<void> => {
  const items = rows.map(({ instances, ...row }) => (perServer ? { ...row, instances } : row))
  await printData(out, format, { items })
}
