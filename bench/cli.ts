import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startSystem } from '../tests/testing/system.ts'
import { built } from './parts/child.ts'
import { declareServer, everything } from './parts/everything.ts'
import { median, timed } from './parts/measure.ts'
import { userEnv } from './parts/user-env.ts'

const ROUNDS = 60

/**
 * How long a command line takes from its start to its end: node with nothing to do, node with one bare `node:http` request for
 * mcpd's version, `mcpctl version` (the same request), and `mcpctl get servers`, against a running system. Interleaved, medians.
 * The bare request alone takes 1.45 × node here, so the goal of `version` leaves little more than a millisecond for mcpctl.
 */
export default async (): Promise<object> => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-bench-cli-'))
  const system = await startSystem(home)
  try {
    const env = userEnv(home)
    await declareServer(everything('stdio'), env, system)
    const run = (...args: string[]) => timed(() => promisify(execFile)(process.execPath, args, { env }))
    const bare = `http.get('${system.server}/api/v1/version', (answer) => answer.pipe(process.stdout))`
    const [node, request, version, get]: [number[], number[], number[], number[]] = [[], [], [], []]
    for (let n = 0; n < ROUNDS; n++) {
      node.push(await run('-e', '0'))
      request.push(await run('-e', bare))
      version.push(await run(built('mcpctl'), 'version'))
      get.push(await run(built('mcpctl'), 'get', 'servers'))
    }
    return { node_ms: median(node), bare_request_ms: median(request), version_ms: median(version), get_ms: median(get) }
  } finally {
    await system.kill('SIGTERM')
    await rm(home, { recursive: true, force: true })
  }
}
