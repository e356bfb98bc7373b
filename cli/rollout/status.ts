import { inOneLine } from '../../domain/instance/exit-reason.ts'
import type { RolloutAnswer } from '../api/answers.ts'
import type { Deps } from '../deps.ts'
import { durationSeconds } from '../duration.ts'
import { CliError } from '../errors.ts'
import { neutralLine } from '../output/neutral.ts'
import { isAway } from '../patience.ts'
import { type Target, withNearestName } from '../targets.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

/** Between two looks at how far it is. */
const POLL_MS = 250

export default defineVerb({
  arguments: { target: serverArgument },
  options: {
    timeout: { type: 'string', default: '10m', describe: 'How long to wait: 30s, 2m' },
    watch: { type: 'boolean', default: true, describe: 'Wait until it is done; --no-watch only tells how far it is' },
  },
  examples: [
    ['$0 rollout status server/github', 'returns when all copies run the present spec'],
    ['$0 rollout status github --timeout 1m || $0 rollout undo github', 'or goes back'],
  ],
  epilogue: 'Exit codes: 0 done (or --no-watch), 1 not done within --timeout, with the reason of each copy that fails.',
  async run(deps, { target: words, timeout, watch }) {
    const seconds = durationSeconds('--timeout', timeout)
    const target = await serverTarget(deps, words)
    const until = deps.now().getTime() + seconds * 1000
    let told = ''
    for (;;) {
      const rollout = await look(deps, target)
      const line = rollout === undefined ? told : progress(target.name, rollout)
      if (line !== told) deps.out.line(line)
      told = line
      if (rollout?.done === true || (rollout !== undefined && !watch)) return undefined
      if (deps.now().getTime() >= until) throw overdue(target.name, timeout, rollout)
      await deps.sleep(POLL_MS)
    }
  },
})

/** Undefined while mcpd does not answer, or says that it starts or stops: that is waited for, too. */
const look = async ({ api }: Deps, target: Target): Promise<RolloutAnswer | undefined> => {
  try {
    return await api.rollout(target.name)
  } catch (error) {
    if (isAway(error)) return undefined
    throw await withNearestName(api, target, error)
  }
}

const copies = (count: number): string => (count === 1 ? '1 copy' : `${count} copies`)

const progress = (name: string, { replicas, ready, outdated, done, failing }: RolloutAnswer): string => {
  if (done) return `server/${name} is rolled out: ${ready} of ${replicas} copies run the present spec`
  const waiting = [
    ...(ready < replicas ? [`${ready} of ${replicas} copies run the present spec`] : []),
    ...(failing.length > 0 ? [`${copies(failing.length)} cannot start`] : []),
    ...(outdated > 0 ? [`${copies(outdated)} of an earlier one still there`] : []),
  ]
  return `waiting for server/${name}: ${waiting.join(', ') || `${ready} run, ${replicas} wanted`}`
}

const overdue = (name: string, timeout: string, rollout: RolloutAnswer | undefined): CliError => {
  if (rollout === undefined)
    return new CliError('rollout-timeout', `mcpd did not say within ${timeout} how far server/${name} is`)
  const reasons = rollout.failing.map(({ instance, reason }) => `${instance}: ${neutralLine(inOneLine(reason))}`)
  const why = reasons.length === 0 ? progress(name, rollout) : reasons.join('; ')
  return new CliError('rollout-timeout', `server/${name} is not rolled out after ${timeout}: ${why}`, {
    hint:
      reasons.length === 0
        ? `"mcpctl get instances --server ${name}" shows them`
        : `"mcpctl logs ${name}" shows what it printed; "mcpctl rollout undo ${name}" goes back`,
  })
}
