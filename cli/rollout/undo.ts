import type { HistoryItem } from '../api/answers.ts'
import { CliError, usageError } from '../errors.ts'
import { dryRunMark } from '../output/dry-run.ts'
import { MAX_REVISIONS, noSuchRevision, revisionsOf } from '../revisions.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

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
    const items = await revisionsOf(deps.api, target, wanted === undefined ? 2 : MAX_REVISIONS)
    const [present] = items
    if (present === undefined || present.spec === null)
      throw new CliError('not-found', `server/${name} does not exist`, { hint: 'What was deleted is not undone' })
    const { revision, spec, labels } = earlier(name, items, wanted)
    const dryRun = values['dry-run']
    const manifest = { name, labels: labels ?? {}, spec }
    // Whatever was declared since it was looked at is not overwritten.
    const { outcome } = await deps.api.apply(kind, manifest, { dryRun: dryRun === 'server', ifMatch: present.revision })
    const mark = dryRunMark(dryRun)
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
  if (wanted === undefined) throw noSuchRevision(name, 'has no earlier revision')
  throw noSuchRevision(name, found === undefined ? `has no revision ${wanted}` : `was deleted at revision ${wanted}`)
}
