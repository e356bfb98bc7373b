import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The built program, as it is delivered. */
const MCPD = fileURLToPath(new URL('../../dist/cli/bin/mcpd.js', import.meta.url))
/** How long the read models may take to reach the head at a start, in ms: they are made from the whole log the first time. */
const READY_MS = 300_000

/** mcpd as a process of its own, ready to serve. */
export interface Daemon {
  readonly url: URL
  /** Of the administrator. */
  readonly token: string
  readonly pid: number
  /** From the start of the process to the first 200 of /readyz, in ms. */
  readonly startMs: number
  stop(): Promise<void>
}

/** Starts the built mcpd on a data folder and waits until its read models are at the head. */
export const startDaemon = async (folder: string, env: Readonly<Record<string, string>> = {}): Promise<Daemon> => {
  if (!existsSync(MCPD)) throw new Error('dist/ is missing: npm run build')
  const whole = { PATH: process.env.PATH ?? '', HOME: folder, LOG_LEVEL: 'info', ...env }
  const token = env.EVENTSTORE_URL === undefined ? await givenToken(folder) : await issuedToken(folder, whole)
  const began = performance.now()
  const profile = process.env.BENCH_PROFILE
  const options = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = spawn(process.execPath, [...options, MCPD, '--data-folder', join(folder, 'data'), '--port', '0'], {
    env: { ...whole, MCPCTL_BOOTSTRAP_TOKEN_FILE: join(folder, 'token') },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const url = await listening(child)
  await ready(url)
  return {
    url,
    token,
    pid: child.pid ?? 0,
    startMs: performance.now() - began,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}

/** The first administrator's token, kept beside the data folder for every later start. */
const givenToken = async (folder: string): Promise<string> => {
  const file = join(folder, 'token')
  if (existsSync(file)) return readFile(file, 'utf8')
  const made = `mcpctl_at_${randomBytes(32).toString('base64url')}`
  await writeFile(file, made, { mode: 0o600 })
  return made
}

/** A log on a server may have had its first start long ago. */
const issuedToken = async (folder: string, env: Readonly<Record<string, string>>): Promise<string> => {
  const args = [MCPD, '--issue-admin-token', '--data-folder', join(folder, 'data')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return stdout.trim()
}

const listening = (child: ChildProcess): Promise<URL> =>
  new Promise((resolve, reject) => {
    const lines: string[] = []
    child.on('exit', (code) => reject(new Error(`mcpd ended with ${code}:\n${lines.join('\n')}`)))
    if (child.stderr === null) return
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (lines.length < 100) lines.push(line)
      const url = /"url":"([^"]+)".*mcpd is ready/.exec(line)?.[1]
      if (url !== undefined) resolve(new URL(url))
    })
  })

const ready = async (url: URL): Promise<void> => {
  const deadline = performance.now() + READY_MS
  while (!(await fetch(new URL('/readyz', url))).ok) {
    if (performance.now() > deadline) throw new Error(`mcpd was not ready after ${READY_MS / 1000} s`)
    await sleep(20)
  }
}
