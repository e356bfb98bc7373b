import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { asking, type Daemon, environmentOf, startDaemon } from '../testing/daemon.ts'
import { freePort } from '../testing/free-port.ts'
import { runMcpctl } from '../testing/system.ts'
import { startBearerForwarder } from './bearer-forwarder.ts'

const READY_MS = 60_000
const POLL_MS = 50

/** Makes one file of the server: it is started for every session over STDIO. */
const bundleServer = async (folder: string): Promise<string> => {
  const outfile = join(folder, 'conformance-server.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('server/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  })
  return outfile
}

/** How the server is reached behind mcplocal, with dedicated sessions; each form is a project of its own. */
export const FORMS = ['http', 'stdio'] as const
export type Form = (typeof FORMS)[number]

/** The test server by itself, and behind mcpd and mcplocal: all of them processes of their own. */
export interface Served {
  /** Its own endpoint. */
  readonly direct: string
  /** An endpoint of mcplocal that takes no token. */
  through(form: Form): string
  close(): Promise<void>
}

const specs = (url: string, program: string): Readonly<Record<Form, object>> => ({
  http: { externalUrl: url, transport: 'STREAMABLE_HTTP', sessions: 'dedicated' },
  // The suite leaves sessions without a word, and each is a process here.
  stdio: {
    command: process.execPath,
    args: [program],
    sessions: 'dedicated',
    minIdle: 2,
    maxSessions: 200,
    idleTimeoutSeconds: 10,
  },
})

/** Starts all of it. `home` is an empty folder of its own. */
export const serve = async (home: string): Promise<Served> => {
  const started: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of started.reverse()) await end()
  }
  try {
    const program = await bundleServer(home)
    const direct = await startDirect(program, started)
    const forwarder = await startBearerForwarder()
    started.push(() => forwarder.close())
    const mcpd = await startDaemon({ program: 'mcpd', home })
    started.push(() => mcpd.end('SIGTERM'))
    await until('mcpd shows its first token', async () => mcpd.token !== '')
    const own = `127.0.0.1:${forwarder.port}`
    const doors = ['--allow-host', own, '--allow-origin', `http://${own}`]
    // When a stream ends is the endpoint's own to decide: here so soon that it does while the suite waits.
    const args = ['--server', mcpd.url, ...doors, '--max-stream', '3']
    const mcplocal = await startDaemon({ program: 'mcplocal', home, args })
    started.push(() => mcplocal.end('SIGTERM'))
    forwarder.pointAt(Number(new URL(mcplocal.url).port), mcpd.token)
    await declare(home, mcpd, specs(direct, program))
    return { direct, through: (form) => `http://${own}/projects/${form}/mcp`, close }
  } catch (error) {
    await close()
    throw error
  }
}

const startDirect = async (program: string, started: (() => Promise<unknown>)[]): Promise<string> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const server = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  started.push(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill()
    await ended
  })
  await until('the test server answers', async () => {
    if (server.exitCode !== null) throw new Error(`the test server ended with ${server.exitCode}`)
    return fetch(url).then(
      () => true,
      () => false,
    )
  })
  return url
}

/** Declares a server and a project for each form, and waits until the servers serve. */
const declare = async (home: string, mcpd: Daemon, forms: Readonly<Record<Form, object>>): Promise<void> => {
  const manifests = FORMS.flatMap((name) => [
    { kind: 'server', metadata: { name }, spec: forms[name] },
    { kind: 'project', metadata: { name }, spec: { servers: [{ name }], namespacing: 'never' } },
  ])
  const env = { ...environmentOf(home), MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: mcpd.token }
  const applied = await runMcpctl(
    ['apply', '-f', '-'],
    env,
    manifests.map((each) => JSON.stringify(each)).join('\n---\n'),
  )
  if (applied.code !== 0) throw new Error(`mcpctl apply: ${applied.stderr}`)
  const ask = asking(
    () => mcpd,
    () => mcpd.token,
  )
  for (const name of FORMS)
    await until(`server/${name} serves`, async () => {
      const { json } = await ask('GET', `/api/v1/servers/${name}`)
      return json.status?.readyReplicas === 1
    })
}

/** Asks again until it is so. @throws after a minute, with what was waited for */
const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + READY_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${READY_MS} ms`)
    await sleep(POLL_MS)
  }
}
