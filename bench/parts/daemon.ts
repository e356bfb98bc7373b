import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { built, startChild } from './child.ts'

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

/**
 * Starts the built mcpd with its data in `folder` and waits until its read models are at the head. With BENCH_PROFILE, the
 * path of a folder, CPU profiles of all its threads are written there when it stops.
 */
export const startDaemon = async (folder: string, more: Readonly<Record<string, string>> = {}): Promise<Daemon> => {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...more }
  const args = [built('mcpd'), '--data-folder', join(folder, 'data'), '--port', '0']
  const onServer = more.EVENTSTORE_URL !== undefined
  const token = onServer ? await issuedToken(args, env) : await givenToken(folder)
  const own = onServer ? {} : { MCPCTL_BOOTSTRAP_TOKEN_FILE: join(folder, 'token') }
  const began = performance.now()
  const child = await startChild([process.execPath, ...profiling(), ...args], {
    ready: /"url":"([^"]+)".*mcpd is ready/,
    env: { ...env, ...own },
  })
  const url = new URL(child.match[1] ?? '')
  await ready(url)
  return { url, token, pid: child.pid, startMs: performance.now() - began, stop: child.stop }
}

const profiling = (): readonly string[] => {
  const folder = process.env.BENCH_PROFILE
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}

/** The first administrator's token, kept beside the data for every later start. */
const givenToken = async (folder: string): Promise<string> => {
  const file = join(folder, 'token')
  if (existsSync(file)) return readFile(file, 'utf8')
  const made = `mcpctl_at_${randomBytes(32).toString('base64url')}`
  await writeFile(file, made, { mode: 0o600 })
  return made
}

/** A log on a server may have had its first start long ago. */
const issuedToken = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--issue-admin-token'], { env })
  return stdout.trim()
}

const ready = async (url: URL): Promise<void> => {
  const deadline = performance.now() + READY_MS
  while (!(await fetch(new URL('/readyz', url))).ok) {
    if (performance.now() > deadline) throw new Error(`mcpd was not ready after ${READY_MS / 1000} s`)
    await sleep(20)
  }
}
