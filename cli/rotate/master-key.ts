import { printData } from '../output/data.ts'
import { dataOption } from '../output/format.ts'
import { defineVerb } from '../verb.ts'

export default defineVerb({
  arguments: {},
  options: { output: dataOption },
  examples: [['$0 rotate master-key', 'secret values stay as they are; only their data keys are wrapped anew']],
  async run({ api, out }, { output }) {
    const answer = await api.rotateMasterKey()
    if (output === undefined) {
      out.line(
        `${answer.rewrapped} data ${answer.rewrapped === 1 ? 'key is' : 'keys are'} wrapped with master key ${answer.to}, no longer with ${answer.from}`,
      )
    } else await printData(out, output, answer)
    return undefined
  },
})
