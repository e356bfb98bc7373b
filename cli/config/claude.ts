import { defineVerb } from '../verb.ts'
import { snippet, snippetOptions, TOKEN_NOTE } from './snippet.ts'

export default defineVerb({
  arguments: {},
  options: snippetOptions,
  examples: [
    ['$0 config claude -p demo > .mcp.json', 'for Claude Code in this folder'],
    ['$0 config claude -p demo --http', 'over HTTP; the token comes from MCPCTL_TOKEN'],
  ],
  async run({ config, out }, { project, http }) {
    out.data(snippet(config, project, http ? { type: 'http', variable: 'MCPCTL_TOKEN' } : undefined))
    out.note(
      `Put this into .mcp.json of your project, or run:\n  claude mcp add ${project} -- mcpctl mcp -p ${project}`,
    )
    if (http) out.note(TOKEN_NOTE)
    return undefined
  },
})
