import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { type DaemonOptions, type Launched, launchDaemon, runDaemon } from '../../testing/daemon.ts'

/** When a start counts as hung. How long it should take is asserted elsewhere. */
const READY_MS = 180_000
const POLL_MS = 5

const mcpdOn = (dataFolder: string, ...args: readonly string[]): DaemonOptions => ({
  program: 'mcpd',
  home: tmpdir(),
  args: ['--data-folder', dataFolder, ...args],
  readyMs: READY_MS,
})

/** One process of mcpd, and how long it took until `/readyz` answered 200. */
export interface LaunchedMcpd extends Omit<Launched, 'ready'> {
  readonly ready: Promise<{ readonly url: string; readonly startMs: number }>
}

/** Starts the built mcpd on a data folder, and returns at once. */
export const launchMcpd = (dataFolder: string, env: Readonly<Record<string, string>> = {}): LaunchedMcpd => {
  const began = performance.now()
  const mcpd = launchDaemon({ ...mcpdOn(dataFolder), env })
  const ready = mcpd.ready.then(async (url) => {
    while (!(await fetch(`${url}/readyz`)).ok) {
      if (performance.now() - began > READY_MS) throw new Error(`/readyz of mcpd stays red:\n${mcpd.log()}`)
      await pause(POLL_MS)
    }
    return { url, startMs: performance.now() - began }
  })
  ready.catch(() => undefined) // whoever kills it earlier does not ask
  return Object.assign(mcpd, { ready })
}

/** Asks the built mcpd for another administrator's token, as somebody does who has lost the first. */
export const issueToken = async (dataFolder: string): Promise<string> => {
  const { code, log } = await runDaemon(mcpdOn(dataFolder, '--issue-admin-token'))
  const token = /^mcpctl_at_[\w-]{43}$/m.exec(log)?.[0]
  if (code !== 0 || token === undefined) throw new Error(`no token was issued:\n${log}`)
  return token
}
