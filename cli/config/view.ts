import { printData } from '../output/data.ts'
import { dataOption } from '../output/format.ts'
import { outline } from '../output/outline.ts'
import { defineVerb } from '../verb.ts'

export default defineVerb({
  arguments: {},
  options: { output: dataOption },
  examples: [['$0 config view', 'where mcpctl talks to, and where its token comes from']],
  async run({ config, out }, { output }) {
    const { path, server, mcplocal, tokenFrom } = config
    const view = {
      file: path,
      server,
      mcplocal,
      token: tokenFrom === 'none' ? 'none' : `from ${tokenFrom === 'file' ? 'the file' : tokenFrom}`,
    }
    if (output === undefined) out.data(`${outline(view).join('\n')}\n`)
    else await printData(out, output, view)
    return undefined
  },
})
