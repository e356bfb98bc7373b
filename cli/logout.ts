import { saveConfig } from './config-file.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: {},
  examples: [['$0 logout', 'the token itself stays valid until it is revoked']],
  async run({ config, out }) {
    await saveConfig(config, { token: undefined })
    out.note(config.tokenFrom === 'none' ? 'Nobody was logged in.' : 'The stored token is forgotten.')
    if (config.tokenFrom === 'MCPCTL_TOKEN') out.note('MCPCTL_TOKEN is still set.')
    return undefined
  },
})
