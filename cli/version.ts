import { exitCode, isCode } from './errors.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { ownVersion } from './own-version.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: {
    client: { type: 'boolean', describe: 'Only the version of mcpctl; asks no server' },
    output: dataOption,
  },
  examples: [
    ['$0 version', 'of mcpctl and of mcpd'],
    ['$0 version --client', 'of mcpctl only'],
  ],
  async run({ api, out }, { client, output }) {
    const own = { version: ownVersion(), node: process.versions.node }
    let unreachable: Error | undefined
    const server = client
      ? undefined
      : await api.version().catch((error: unknown) => {
          if (!isCode(error, 'unreachable')) throw error
          unreachable = error
          return undefined
        })
    if (output === undefined) {
      out.line(`mcpctl ${own.version} (node ${own.node})`)
      if (server !== undefined) out.line(`mcpd   ${server.version} (node ${server.node}, API ${server.api})`)
    } else await printData(out, output, { client: own, ...(server === undefined ? {} : { server }) })
    if (unreachable === undefined) return undefined
    out.note(unreachable.message)
    return exitCode.unreachable
  },
})
