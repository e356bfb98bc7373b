import { createLinkPair } from '../../adapters/link/in-process.ts'
import { serveLink } from '../../adapters/mcp/router.ts'
import { createTestMcpd, everything, projectWith, silent } from '../../adapters/mcp/testing/mcpd.ts'
import type { LinkDialer } from '../../domain/mcp/link.ts'
import { FakeMcpd } from '../../proxy/testing/fake-mcpd.ts'
import { type Local, startLocal } from '../../proxy/testing/local.ts'

/** mcplocal, mcpd's own router and the server `everything` as a real program, as the project `demo`. */
export const startEverything = async (): Promise<Local> => {
  const mcpd = createTestMcpd(projectWith('everything'))
  await mcpd.start(everything('everything-1'))
  const dialer: LinkDialer = {
    dial: async (project) => {
      const [ours, theirs] = createLinkPair()
      serveLink({ project, link: ours, topology: mcpd.topology, host: mcpd.host, logger: silent })
      return theirs
    },
  }
  const local = await startLocal(new FakeMcpd(), { dialer })
  return {
    ...local,
    async close() {
      await local.close()
      await mcpd.close()
    },
  }
}
