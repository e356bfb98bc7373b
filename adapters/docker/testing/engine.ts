import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import { build } from 'esbuild'

const READY_MS = 30_000
const SERVER = new URL('../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url)
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

/** A root file system of node, its libraries and server-everything; it starts that one on stdin and stdout. */
export const IMAGE = 'mcpctl.test/everything:1'
export const NODE = '/bin/node'

/** A container engine of a test's own. */
export interface TestEngine {
  readonly socket: string
  readonly docker: Docker
  /** What runs in it ends. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Ends it and takes its files away. */
  remove(): Promise<void>
}

/** Whether an engine can be started here; prints why not. */
export const engineInstalled = (): boolean => {
  const missing = ['dockerd', 'containerd', 'runc', 'ip'].filter((name) => !isInPath(name))
  const absent =
    missing.length > 0 ? `${missing.join(', ')} not installed (docker.io and iproute2 of Debian have them)` : undefined
  const why = absent ?? (mayMount() ? undefined : 'an engine cannot be started without the right to mount')
  if (why !== undefined) console.log(`Tests with containers are not run: ${why}`)
  return why === undefined
}

/** Root has it, but for root in most containers. */
const mayMount = (): boolean => {
  const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${held}`) & (1n << CAP_SYS_ADMIN)) !== 0n
}
const CAP_SYS_ADMIN = 21n

const isInPath = (name: string): boolean =>
  PATH.split(':').some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/**
 * A bridge of its own, because engines that share one give out the same addresses: those of two test files, or a test's
 * and that of the machine.
 */
const addBridge = (): { readonly name: string; remove(): void } => {
  const name = `mcpctl${process.pid}`
  const address = `10.${200 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 250}.1/24`
  const ip = (...args: readonly string[]) => execFileSync('ip', args, { env: { ...process.env, PATH }, stdio: 'pipe' })
  ip('link', 'add', name, 'type', 'bridge')
  ip('address', 'add', address, 'dev', name)
  ip('link', 'set', name, 'up')
  return { name, remove: () => void ip('link', 'delete', name) }
}

/** Starts one with `IMAGE` in it. It touches no firewall, and needs nothing of the network. */
export const startEngine = async (): Promise<TestEngine> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-docker-'))
  const socket = join(folder, 'socket')
  const docker = new Docker({ socketPath: socket })
  const bridge = addBridge()
  let running: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const places = ['data-root', 'exec-root', 'pidfile'].flatMap((name) => [`--${name}`, join(folder, name)])
    const quiet = ['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--log-level=error']
    const network = `--bridge=${bridge.name}`
    const args = [...places, ...quiet, network, '-H', `unix://${socket}`]
    running = spawn('dockerd', args, { env: { ...process.env, PATH }, stdio: 'ignore' })
    const answers = () =>
      docker.ping().then(
        () => true,
        () => false,
      )
    for (const late = Date.now() + READY_MS; !(await answers()); await sleep(50))
      if (running.exitCode !== null || Date.now() > late) throw new Error('dockerd does not start')
  }
  const stop = async (): Promise<void> => {
    const ending = running
    running = undefined
    if (ending === undefined || ending.exitCode !== null) return
    const ended = once(ending, 'exit')
    ending.kill('SIGTERM')
    await ended
  }
  const engine: TestEngine = {
    socket,
    docker,
    start,
    stop,
    async remove() {
      const all = await docker.listContainers({ all: true }).catch(() => []) // it may be down
      await Promise.allSettled(all.map(({ Id }) => docker.getContainer(Id).remove({ force: true })))
      await stop()
      bridge.remove()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  try {
    await start()
    await importImage(docker, join(folder, 'root'))
    return engine
  } catch (error) {
    await engine.remove()
    throw error
  }
}

const importImage = async (docker: Docker, root: string): Promise<void> => {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  const place = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(join(root, to)), { recursive: true })
    await copyFile(from, join(root, to))
  }
  await place(process.execPath, NODE)
  for (const library of libraries) await place(library, library)
  await mkdir(join(root, 'tmp'))
  const banner = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
  await build({
    entryPoints: [fileURLToPath(SERVER)],
    outdir: join(root, 'server'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
  })
  const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [repo, tag] = IMAGE.split(':')
  const changes = [`ENTRYPOINT ["${NODE}","/server/index.mjs"]`]
  const done: NodeJS.ReadableStream = await docker.importImage(tar.stdout, { repo, tag, changes })
  await once(done.resume(), 'end')
  await rm(root, { recursive: true })
}
