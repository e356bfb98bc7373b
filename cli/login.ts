import { canAsk, withoutLastNewline } from './ask.ts'
import { saveConfig } from './config-file.ts'
import type { Deps } from './deps.ts'
import { usageError } from './errors.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: {
    'token-stdin': { type: 'boolean', describe: 'Read the token from standard input' },
  },
  examples: [
    ['$0 login', 'asks for the token, without echo'],
    ['$0 login --token-stdin < token.txt', 'from a file'],
    ['$0 --server https://mcpd.example.com login', 'at another mcpd, which is used from then on'],
  ],
  epilogue: 'The token is checked first, then kept in ~/.mcpctl/config.json, which only you can read.',
  async run(deps, { 'token-stdin': fromStdin }) {
    const token = await readToken(deps, fromStdin)
    const { principal } = await deps.api.me(token)
    await saveConfig(deps.config, { token, server: deps.config.server })
    deps.out.note(`Logged in at ${deps.config.server} as ${principal.kind}:${principal.name}`)
    if (deps.config.tokenFrom === 'MCPCTL_TOKEN')
      deps.out.note('MCPCTL_TOKEN is set and comes before the stored token.')
    return undefined
  },
})

const readToken = async (deps: Deps, fromStdin: boolean): Promise<string> => {
  if (!fromStdin && !canAsk(deps)) throw usageError('there is no terminal to ask on', 'Use --token-stdin')
  const token = fromStdin ? withoutLastNewline(await deps.input.text()) : await deps.prompt.password('Token')
  if (token === '' || !/^[\x21-\x7e]+$/.test(token))
    throw usageError('that is no token: one line without spaces is expected')
  return token
}
