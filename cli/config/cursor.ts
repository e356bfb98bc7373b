import { defineVerb } from '../verb.ts'
import { snippet, snippetOptions, TOKEN_NOTE } from './snippet.ts'

export default defineVerb({
  arguments: {},
  options: snippetOptions,
  examples: [
    ['$0 config cursor -p demo > .cursor/mcp.json', 'for Cursor in this folder'],
    ['$0 config cursor -p demo --http', 'over HTTP; the token comes from MCPCTL_TOKEN'],
  ],
  async run({ config, out }, { project, http }) {
    out.data(snippet(config, project, http ? { variable: 'env:MCPCTL_TOKEN' } : undefined))
    out.note('Put this into .cursor/mcp.json of your project, or into ~/.cursor/mcp.json for all of them.')
    if (http) out.note(TOKEN_NOTE)
    return undefined
  },
})
