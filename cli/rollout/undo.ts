import type { HistoryItem } from '../api/answers.ts'
import { CliError, usageError } from '../errors.ts'
import { withNearestName } from '../targets.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

/** As many revisions as mcpd answers at once: how far back one is looked for. */
const MAX_REVISIONS = 1000

export default defineVerb({
  arguments: { target: serverArgument },
  options: {
    'to-revision': { type: 'string', describe: 'The revision to go back to; the one before the present if left out' },
    'dry-run': { type: 'string', choices: ['server'], describe: 'Change nothing' },
  },
  examples: [
    ['$0 rollout undo server/github', 'takes the last change back; once more makes it again'],
    ['$0 rollout undo github --to-revision 3', '"$0 rollout history github" lists them'],
  ],
  epilogue: 'What was is declared anew, as a revision of its own: spec and labels, replicas included.',
  async run(deps, values) {
    const wanted = values['to-revision']
    if (wanted !== undefined && !/^\d{1,19}$/.test(wanted))
      throw usageError(
        `--to-revision cannot be "${wanted}"`,
        'A revision is a number, as "mcpctl rollout history" shows it',
      )
    const target = await serverTarget(deps, values.target)
    const { kind, name } = target
    const limit = wanted === undefined ? 2 : MAX_REVISIONS
    const { items } = await deps.api.history(kind, name, limit).catch(async (error: unknown) => {
      throw await withNearestName(deps.api, target, error)
    })
    const [present] = items
    if (present === undefined || present.spec === null)
      throw new CliError('not-found', `server/${name} does not exist`, { hint: 'What was deleted is not undone' })
    const { revision, spec, labels } = earlier(name, items, wanted)
    const dryRun = values['dry-run'] !== undefined
    const manifest = { name, labels: labels ?? {}, spec }
    // Whatever was declared since it was looked at is not overwritten.
    const { outcome } = await deps.api.apply(kind, manifest, { dryRun, ifMatch: present.revision })
    const mark = dryRun ? ' (server dry run)' : ''
    deps.out.line(
      outcome === 'unchanged'
        ? `server/${name} is as it was at revision ${revision} already${mark}`
        : `server/${name} rolled back to revision ${revision}${mark}`,
    )
    return undefined
  },
})

/** @throws CliError `no-such-revision` */
const earlier = (name: string, items: readonly HistoryItem[], wanted: string | undefined): HistoryItem => {
  const found = wanted === undefined ? items[1] : items.find(({ revision }) => revision === wanted)
  if (found !== undefined && found.spec !== null) return found
  const message =
    wanted === undefined
      ? `server/${name} has no earlier revision`
      : found === undefined
        ? `server/${name} has no revision ${wanted}`
        : `server/${name} was deleted at revision ${wanted}`
  throw new CliError('no-such-revision', message, { hint: `"mcpctl rollout history ${name}" lists them` })
}
