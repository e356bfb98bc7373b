import { execFile } from 'node:child_process'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const HOME = '/usr/lib/postgresql'
const OLDEST = 15

/** A Postgres server of a test's own, without authentication, on 127.0.0.1. */
export interface Cluster {
  readonly url: string
  /** An empty database on it, by URL. */
  createDatabase(name: string): Promise<string>
  start(): Promise<void>
  /** Kills it hard, as a crash would. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  /** Ends it and takes its files away. */
  remove(): Promise<void>
}

/** Folder of the newest installed server's programs, or undefined after printing why Postgres tests are not run. */
export const postgresPrograms = async (): Promise<string | undefined> => {
  const versions = (await readdir(HOME).catch(() => [])).map(Number).filter((version) => version >= OLDEST)
  if (versions.length > 0) return `${HOME}/${Math.max(...versions)}/bin`
  console.log(`Postgres tests are not run: there is no Postgres ≥ ${OLDEST} under ${HOME}`)
  return undefined
}

/** Initialises and starts a cluster. Root, whom Postgres refuses, becomes the user `postgres` for it. */
export const startCluster = async (bin: string): Promise<Cluster> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-postgres-'))
  const isRoot = userInfo().uid === 0
  const asServer = async (program: string, args: readonly string[]): Promise<void> => {
    const path = join(bin, program)
    if (isRoot) await run('runuser', ['-u', 'postgres', '--', path, ...args], { cwd: folder })
    else await run(path, [...args], { cwd: folder })
  }
  if (isRoot) {
    const [{ stdout: uid }, { stdout: gid }] = await Promise.all([
      run('id', ['-u', 'postgres']),
      run('id', ['-g', 'postgres']),
    ])
    await chown(folder, Number(uid), Number(gid))
  }
  const data = join(folder, 'data')
  const port = await freePort()
  const url = `postgres://mcpd@127.0.0.1:${port}/postgres`
  await asServer('initdb', ['-D', data, '-U', 'mcpd', '-A', 'trust', '--no-sync', '--no-instructions', '-E', 'UTF8'])
  const start = (): Promise<void> => {
    const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`
    return asServer('pg_ctl', ['-D', data, '-w', '-l', join(folder, 'server.log'), '-o', options, 'start'])
  }
  const stop = (mode: 'fast' | 'immediate'): Promise<void> => asServer('pg_ctl', ['-D', data, '-w', '-m', mode, 'stop'])
  await start()
  return {
    url,
    start,
    stop,
    async createDatabase(name) {
      const { default: pg } = await import('pg')
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`create database ${name}`)
      await client.end()
      return url.replace(/postgres$/, name)
    },
    async remove() {
      await stop('immediate').catch(() => undefined) // it may be down already
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
