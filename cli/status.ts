import type { ReadModelState, StatusAnswer } from './api/answers.ts'
import { exitCode } from './errors.ts'
import { dataOption } from './output/format.ts'
import { outline } from './output/outline.ts'
import { table } from './output/table.ts'
import { defineVerb } from './verb.ts'

/** States in which a read model answers. */
const SERVING = ['live', 'rebuilding']

export default defineVerb({
  arguments: {},
  options: { output: dataOption },
  examples: [
    ['$0 status', 'log, read models, instances and reactors at a glance'],
    ['$0 status -o json', 'for a script'],
  ],
  epilogue: 'Exit code 1 when the log does not answer, or a read model or reactor has stopped.',
  async run({ api, out }, { output }) {
    const status = await api.status()
    if (output === undefined) out.data(statusText(api.url, status))
    else {
      const { toJson, toYaml } = await import('./output/yaml.ts')
      out.data((output === 'json' ? toJson : toYaml)(status))
    }
    return isWell(status) ? undefined : exitCode.failed
  },
})

const isWell = ({ log, readModels, reactors }: StatusAnswer): boolean =>
  log.ok !== false &&
  readModels.every(({ state }) => SERVING.includes(state)) &&
  reactors.every(({ state }) => state !== 'stopped')

const statusText = (url: string, status: StatusAnswer): string => {
  const { log, database, instances, mcplocal, dataFolder } = status
  const ping = log.pingMs === undefined ? '' : `, answers in ${log.pingMs.toFixed(1)} ms`
  const head = outline({
    mcpd: `${status.version} at ${url}, up ${duration(status.uptimeSeconds)}`,
    mcplocal: mcplocal?.url,
    log:
      log.ok === false
        ? `${log.kind}: ERROR: ${log.error ?? 'does not answer'}`
        : `${log.kind}, head at ${log.head ?? 'nothing yet'}${ping}`,
    database: database?.kind,
    data: dataFolder,
    instances: Object.entries(instances)
      .map(([phase, count]) => `${count} ${phase}`)
      .join(', '),
  })
  const readModels = table(
    ['READ MODEL', 'STATE', 'GENERATION', 'POSITION', 'LAG', 'NOTE'],
    status.readModels.map((model) => [
      model.name,
      model.state,
      text(model.generation),
      text(model.position),
      lag(model),
      model.error === undefined ? rebuildText(model) : errorLine(model.error),
    ]),
  )
  const reactors = table(
    ['REACTOR', 'STATE', 'POSITION', 'NOTE'],
    status.reactors.map((each) => [each.name, each.state, text(each.position), each.error ?? '-']),
  )
  return `${head.join('\n')}\n\n${readModels}${status.reactors.length === 0 ? '' : `\n${reactors}`}`
}

const text = (value: string | number | undefined): string => (value === undefined ? '-' : String(value))

const errorLine = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : typeof error === 'string'
      ? error
      : JSON.stringify(error)

const lag = ({ lagEvents, lagSeconds }: ReadModelState): string => {
  if (lagEvents === undefined) return '-'
  return `${lagEvents} events${lagSeconds === undefined ? '' : `, ${lagSeconds.toFixed(1)} s`}`
}

const rebuildText = ({ rebuild }: ReadModelState): string =>
  rebuild === undefined
    ? '-'
    : `rebuilding${rebuild.generation === undefined ? '' : ` generation ${rebuild.generation}`}: ${percent(rebuild)}`

/** How far a rebuild is, in words: `42 %`, or the position it is at. */
export const percent = (rebuild: NonNullable<ReadModelState['rebuild']>): string => {
  const part = progressOf(rebuild)
  return part === undefined ? `at position ${rebuild.position ?? '?'}` : `${Math.floor(part * 100)} %`
}

/** From 0 to 1; undefined when it cannot be told. */
export const progressOf = ({
  progress,
  position,
  target,
}: NonNullable<ReadModelState['rebuild']>): number | undefined => {
  if (progress !== undefined) return progress
  if (position === undefined || target === undefined) return undefined
  return Number(target) <= 0 ? 1 : Math.min(1, Number(position) / Number(target))
}

const duration = (seconds: number): string => {
  if (seconds < 120) return `${Math.floor(seconds)}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
