import type { ReadModelState } from '../api/answers.ts'
import type { ApiClient } from '../api-client.ts'
import { CliError } from '../errors.ts'
import { errorNote, percent, progressOf } from '../status.ts'
import { defineVerb } from '../verb.ts'

const POLL_MS = 250
/** Looks without any sign of the rebuild before an error that was there already counts as its own. */
const LOOKS_FOR_A_SIGN = 20
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
  async run({ api, out, sleep }, { wait }) {
    const before = await readModel(api)
    await api.rebuild()
    if (!wait) {
      out.note('The rebuild has begun; "mcpctl status" shows how far it is.')
      return undefined
    }
    let last = ''
    let seen = false
    for (let looks = 1; ; looks += 1) {
      const now = await readModel(api)
      if (now.generation !== undefined && now.generation !== before.generation) {
        out.endProgress()
        assertHandlesAll(now)
        out.line(`generation ${now.generation} is live`)
        return undefined
      }
      seen ||= now.rebuild !== undefined
      assertGoesOn(before, now, seen || looks > LOOKS_FOR_A_SIGN)
      const line = progressLine(now, out.notesAreTTY)
      if (line !== last) out.progress(line)
      last = line
      await sleep(POLL_MS)
    }
  },
})

const readModel = async (api: ApiClient): Promise<ReadModelState> => {
  const [first] = (await api.status()).readModels
  if (first === undefined) throw new CliError('no-read-model', 'mcpd has no read model')
  return first
}

/** @throws CliError when the rebuild was given up; an error of an earlier one does not count. */
const assertGoesOn = (before: ReadModelState, now: ReadModelState, certain: boolean): void => {
  if (now.rebuild !== undefined || now.rebuildError === undefined) return
  if (!certain && JSON.stringify(now.rebuildError) === JSON.stringify(before.rebuildError)) return
  throw new CliError('rebuild-failed', `the rebuild failed: ${errorNote(now.rebuildError)}`, {
    hint: 'The read model stays as it was; "mcpctl status" shows more',
  })
}

/** @throws CliError when the new generation has stopped where the old one did. */
const assertHandlesAll = ({ generation, error }: ReadModelState): void => {
  if (error === undefined) return
  const message = `generation ${generation} is live, but it stopped at an event: ${errorNote(error)}`
  throw new CliError('read-model-stopped', message, error.hint === undefined ? {} : { hint: error.hint })
}

/** A bar for a terminal, a plain line for a log file. */
const progressLine = ({ rebuild }: ReadModelState, bar: boolean): string => {
  if (rebuild === undefined) return 'rebuilding: beginning'
  if (!bar) return `rebuilding: ${percent(rebuild)}`
  const full = Math.round(progressOf(rebuild) * BAR_WIDTH)
  return `rebuilding [${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${percent(rebuild)}`
}
