import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startSystem } from '../tests/testing/system.ts'
import { built } from './parts/child.ts'
import { declareEverything } from './parts/everything.ts'
import { median, timed } from './parts/measure.ts'
import { userEnv } from './parts/user-env.ts'

const ROUNDS = 60

/**
 * How long a command line takes from its start to its end: node with nothing to do, `mcpctl version` (which asks mcpd for
 * its own), and `mcpctl get servers`, against a running system. Interleaved, medians.
 */
export default async (): Promise<object> => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-bench-cli-'))
  const system = await startSystem(home)
  try {
    const env = userEnv(home)
    await declareEverything(env, system)
    const run = (...args: string[]) => timed(() => promisify(execFile)(process.execPath, args, { env }))
    const [node, version, get]: [number[], number[], number[]] = [[], [], []]
    for (let n = 0; n < ROUNDS; n++) {
      node.push(await run('-e', '0'))
      version.push(await run(built('mcpctl'), 'version'))
      get.push(await run(built('mcpctl'), 'get', 'servers'))
    }
    return { node_ms: median(node), version_ms: median(version), get_ms: median(get) }
  } finally {
    await system.kill('SIGTERM')
    await rm(home, { recursive: true, force: true })
  }
}
