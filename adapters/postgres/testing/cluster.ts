import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../../../tests/testing/free-port.ts'

const run = promisify(execFile)
const HOME = '/usr/lib/postgresql'
const OLDEST = 15
const ENDED_MS = 10_000

/** A Postgres server of a test's own, without authentication, on 127.0.0.1. */
export interface Cluster {
  readonly url: string
  /** An empty database on it, by URL. */
  createDatabase(name: string): Promise<string>
  /** The rows that SQL comes to in one of its databases, as the superuser. */
  query(database: string, text: string): Promise<readonly object[]>
  start(): Promise<void>
  /** Kills it hard, as a crash would. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  /** SIGKILL to the server and all its processes. */
  kill(): Promise<void>
  /** Throws the files of a stopped server away: it starts as a new one on the same port. */
  empty(): Promise<void>
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
  const urlOf = (database: string): string => `postgres://mcpd@127.0.0.1:${port}/${database}`
  const init = (): Promise<void> =>
    asServer('initdb', ['-D', data, '-U', 'mcpd', '-A', 'trust', '--no-sync', '--no-instructions', '-E', 'UTF8'])
  await init()
  const start = (): Promise<void> => {
    const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`
    return asServer('pg_ctl', ['-D', data, '-w', '-l', join(folder, 'server.log'), '-o', options, 'start'])
  }
  const stop = (mode: 'fast' | 'immediate'): Promise<void> => asServer('pg_ctl', ['-D', data, '-w', '-m', mode, 'stop'])
  const query: Cluster['query'] = async (database, text) => {
    const client = new pg.Client({ connectionString: urlOf(database) })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  await start()
  return {
    url: urlOf('postgres'),
    query,
    start,
    stop,
    async createDatabase(name) {
      await query('postgres', `create database ${name}`)
      return urlOf(name)
    },
    async kill() {
      const [server = ''] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
      signal(Number(server), 'SIGSTOP') // it makes no more children
      const children = await readFile(`/proc/${server}/task/${server}/children`, 'utf8')
      // The server first: it would take a dead child for a crash of that alone, and start the others again.
      const pids = [server, ...children.trim().split(' ')].filter((pid) => pid !== '')
      for (const pid of pids) signal(Number(pid), 'SIGKILL')
      for (const late = Date.now() + ENDED_MS; pids.some(isRunning); ) {
        if (Date.now() > late) throw new Error('Postgres survives SIGKILL')
        await sleep(20)
      }
      // Where nobody waits for orphans at once, the dead server's lock would still be believed.
      await rm(join(data, 'postmaster.pid'))
    },
    async empty() {
      await rm(data, { recursive: true, force: true })
      await init()
    },
    async remove() {
      await stop('immediate').catch(() => undefined) // it may be down already
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // it ended by itself meanwhile, as children of a dead server do
  }
}

/** A process that nobody has waited for has no command line any more. */
const isRunning = (pid: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0
  } catch {
    return false
  }
}
