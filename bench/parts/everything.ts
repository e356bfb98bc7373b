import { fileURLToPath } from 'node:url'
import { runMcpctl } from '../../tests/testing/system.ts'
import { type Endpoint, openSession } from './mcp-client.ts'

/** The reference server, as it is started over STDIO and by itself over HTTP. */
const SCRIPT = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
)
export const everything = (transport: 'stdio' | 'streamableHttp'): readonly [string, ...string[]] => [
  process.execPath,
  SCRIPT,
  transport,
]

const RUNNING_MS = 60_000
const POLL_MS = 50

/** Declares a project `bench` with a STDIO server that has the tool `echo`, and waits until it answers calls. @returns its endpoint */
export const declareServer = async (
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  { mcplocal, token }: { readonly mcplocal: string; readonly token: string },
): Promise<Endpoint> => {
  const manifests = [
    { kind: 'server', metadata: { name: 'echoing' }, spec: { command, args } },
    { kind: 'project', metadata: { name: 'bench' }, spec: { servers: [{ name: 'echoing' }] } },
  ]
  const { code, stderr } = await runMcpctl(
    ['apply', '-f', '-'],
    env,
    manifests.map((it) => JSON.stringify(it)).join('\n---\n'),
  )
  if (code !== 0) throw new Error(`mcpctl apply: ${stderr}`)
  const endpoint = { url: `${mcplocal}/projects/bench/mcp`, bearer: token, tool: 'echoing__echo' }
  await answering(endpoint)
  return endpoint
}

/** Waits until an endpoint answers a real call, which a server that is being started does not. */
export const answering = async (endpoint: Endpoint): Promise<void> => {
  const deadline = performance.now() + RUNNING_MS
  for (;;) {
    const session = await openSession(endpoint).catch((error: unknown) => {
      if (performance.now() > deadline) throw error
      return undefined
    })
    const works = await session?.echo()
    await session?.end()
    if (works === true) return
    if (performance.now() > deadline) throw new Error(`${endpoint.url} answers no call after ${RUNNING_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
