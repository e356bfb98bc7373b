import { defineVerb } from '../verb.ts'

export default defineVerb({
  arguments: {},
  options: {},
  examples: [['$0 config path', 'the file, whether it is there or not']],
  async run({ config, out }) {
    out.line(config.path)
    return undefined
  },
})
