import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { outline } from './output/outline.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: { output: dataOption },
  examples: [['$0 whoami', 'who the token belongs to, and what it may do']],
  async run({ api, out, config }, { output }) {
    const me = await api.me()
    if (output !== undefined) {
      await printData(out, output, me)
      return undefined
    }
    const lines = outline({
      Name: `${me.principal.kind}:${me.principal.name}`,
      Server: config.server,
      Token:
        me.tokenSha === undefined
          ? undefined
          : `sha256 ${me.tokenSha}… from ${config.tokenFrom === 'file' ? config.path : 'MCPCTL_TOKEN'}`,
      Rights: me.rights.join(', '),
    })
    out.data(`${lines.join('\n')}\n`)
    return undefined
  },
})
