import type { ReadModelState } from '../api/answers.ts'
import { CliError } from '../errors.ts'
import { percent, progressOf } from '../status.ts'
import { defineVerb } from '../verb.ts'

const POLL_MS = 250
const BAR_WIDTH = 30

export default defineVerb({
  arguments: {},
  options: { wait: { type: 'boolean', default: true, describe: 'Return once it is done; --no-wait does not' } },
  examples: [
    ['$0 admin rebuild', 'with a progress bar; reads and writes go on meanwhile'],
    ['$0 admin rebuild --no-wait', '"mcpctl status" shows how far it is'],
  ],
  epilogue:
    'A new generation of the read models is filled from the log beside the live one, and takes its place when it has caught up.',
  async run(deps, { wait }) {
    const { generation } = await deps.api.rebuild()
    if (!wait) {
      deps.out.line(`generation ${generation} is being built`)
      return undefined
    }
    let last = ''
    for (;;) {
      const { readModels } = await deps.api.status()
      if (readModels.length > 0 && readModels.every((model) => isThere(model, generation))) break
      const line = progressLine(readModels, deps.out.notesAreTTY)
      if (line !== last) deps.out.progress(line)
      last = line
      await deps.sleep(POLL_MS)
    }
    deps.out.endProgress()
    deps.out.line(`generation ${generation} is live`)
    return undefined
  },
})

/** Whether the generation, or a later one, is live. @throws CliError when it failed */
const isThere = ({ name, generation, rebuild, error }: ReadModelState, wanted: number | string): boolean => {
  if (generation !== undefined && Number(generation) >= Number(wanted)) return true
  const failure = rebuild?.error ?? (rebuild === undefined ? error : undefined)
  if (failure === undefined) return false
  const reason = typeof failure === 'string' ? failure : JSON.stringify(failure)
  throw new CliError('rebuild-failed', `the rebuild of ${name} failed: ${reason}`, {
    hint: '"mcpctl status" shows more',
  })
}

/** A bar for a terminal, a plain line for a log file. */
const progressLine = (models: readonly ReadModelState[], bar: boolean): string => {
  const [slowest] = models
    .flatMap(({ rebuild }) => (rebuild === undefined ? [] : [rebuild]))
    .sort((a, b) => (progressOf(a) ?? 0) - (progressOf(b) ?? 0))
  if (slowest === undefined) return 'rebuilding: beginning'
  const part = progressOf(slowest)
  if (!bar || part === undefined) return `rebuilding: ${percent(slowest)}`
  const full = Math.round(part * BAR_WIDTH)
  return `rebuilding [${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${percent(slowest)}`
}
