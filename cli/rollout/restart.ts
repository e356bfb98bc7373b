import { withNearestName } from '../targets.ts'
import { defineVerb } from '../verb.ts'
import { serverArgument, serverTarget } from './server-target.ts'

export default defineVerb({
  arguments: { target: serverArgument },
  options: {},
  examples: [
    ['$0 rollout restart server/github', 'a new copy for each that runs; none goes before its successor serves'],
    ['$0 rollout restart github && $0 rollout status github', 'and wait for it'],
  ],
  epilogue:
    'The spec stays as it is, and so does the installed version of a package. To install another one, change "version".',
  async run(deps, { target: words }) {
    const target = await serverTarget(deps, words)
    await deps.api.restartServer(target.name).catch(async (error: unknown) => {
      throw await withNearestName(deps.api, target, error)
    })
    deps.out.line(`server/${target.name} restarted`)
    return undefined
  },
})
