import type { ReadModelError, ReadModelState, StatusAnswer } from './api/answers.ts'
import { exitCode } from './errors.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { outline } from './output/outline.ts'
import { table } from './output/table.ts'
import { defineVerb } from './verb.ts'

/** States of a read model that do not pass by themselves. */
const DOWN = ['stopped', 'unavailable']

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
    else await printData(out, output, status)
    return isWell(status) ? undefined : exitCode.failed
  },
})

const isWell = ({ log, readModels, reactors }: StatusAnswer): boolean =>
  log.ok !== false &&
  readModels.every(({ state }) => !DOWN.includes(state)) &&
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
    instances:
      instances === null
        ? 'unknown, the rows cannot be read'
        : Object.entries(instances)
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
      noteOf(model),
    ]),
  )
  const reactors = table(
    ['REACTOR', 'STATE', 'POSITION', 'NOTE'],
    status.reactors.map((each) => [each.name, each.state, text(each.position), each.error ?? '-']),
  )
  const hints = status.readModels.flatMap(({ error, rebuildError }) => (error ?? rebuildError)?.hint ?? [])
  const ways = [...new Set(hints)].map((hint) => `\n${hint}\n`).join('')
  return `${head.join('\n')}\n\n${readModels}${ways}${status.reactors.length === 0 ? '' : `\n${reactors}`}`
}

const text = (value: string | number | undefined): string => (value === undefined ? '-' : String(value))

const noteOf = ({ error, rebuild, rebuildError }: ReadModelState): string => {
  if (error !== undefined) return errorNote(error)
  if (rebuild !== undefined) return `generation ${rebuild.generation} is being built: ${percent(rebuild)}`
  return rebuildError === undefined ? '-' : `the last rebuild failed: ${errorNote(rebuildError)}`
}

/** What is wrong, and with which event. */
export const errorNote = ({ message, event }: ReadModelError): string =>
  event === undefined ? message : `${message} (${event.type} at position ${event.position}, ${event.stream})`

const lag = ({ lagEvents, lagExact, lagSeconds }: ReadModelState): string => {
  if (lagEvents === undefined) return '-'
  const events = `${lagExact === false ? 'over ' : ''}${lagEvents} events`
  return lagSeconds === undefined ? events : `${events}, ${lagSeconds.toFixed(1)} s`
}

type Rebuild = NonNullable<ReadModelState['rebuild']>

/** How far a rebuild is, and how fast: `42 %, 30000 events/s`. */
export const percent = (rebuild: Rebuild): string => {
  const speed = rebuild.eventsPerSecond === undefined ? '' : `, ${rebuild.eventsPerSecond} events/s`
  return `${Math.floor(progressOf(rebuild) * 100)} %${speed}`
}

/** From 0 to 1. */
export const progressOf = ({ position, target }: Rebuild): number =>
  Number(target) <= 0 ? 1 : Math.max(0, Math.min(1, Number(position) / Number(target)))

const duration = (seconds: number): string => {
  if (seconds < 120) return `${Math.floor(seconds)}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
