import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MCPD = fileURLToPath(new URL('../../dist/cli/bin/mcpd.js', import.meta.url))
/** When a start counts as hung. How long it should take is asserted elsewhere. */
const READY_MS = 180_000
const POLL_MS = 5

/** One process of the built mcpd. */
export interface LaunchedMcpd {
  readonly pid: number
  /** Resolves with its URL once `/readyz` answers 200. Rejects with all it printed when it ends before, or takes three minutes. */
  readonly ready: Promise<{ readonly url: string; readonly startMs: number }>
  /** The administrator's token, if it has printed one. */
  token(): string | undefined
  /** All of its standard error so far. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** Sends a signal (SIGKILL if left out) and waits for the end. Answers its exit code; null when the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts the built mcpd on a data folder and a free port, and returns at once. */
export const launchMcpd = (dataFolder: string, env: Readonly<Record<string, string>> = {}): LaunchedMcpd => {
  const began = performance.now()
  const child = spawn(process.execPath, [MCPD, '--data-folder', dataFolder, '--port', '0'], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  const exit = once(child, 'exit')
  const listening = new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`mcpd is not ready:\n${lines.join('\n')}`)), READY_MS)
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line)
      if (!line.includes('"msg":"mcpd is ready"')) return
      clearTimeout(late)
      resolve(JSON.parse(line).url)
    })
    child.once('close', (code, signal) => {
      clearTimeout(late)
      reject(new Error(`mcpd ended with ${code ?? signal}:\n${lines.join('\n')}`))
    })
  })
  const ready = listening.then(async (url) => {
    while (!(await fetch(`${url}/readyz`)).ok) {
      if (performance.now() - began > READY_MS) throw new Error(`/readyz of mcpd stays red:\n${lines.join('\n')}`)
      await pause(POLL_MS)
    }
    return { url, startMs: performance.now() - began }
  })
  ready.catch(() => undefined) // whoever kills it earlier does not ask
  return {
    pid: child.pid ?? 0,
    ready,
    token: () => /mcpctl_at_[\w-]{43}/.exec(lines.join('\n'))?.[0],
    output: () => lines.join('\n'),
    signal: (signal) => void child.kill(signal),
    async end(signal = 'SIGKILL') {
      child.kill(signal)
      await exit
      return child.exitCode
    },
  }
}

/** Asks the built mcpd for another administrator's token, as somebody does who has lost the first. */
export const issueToken = async (dataFolder: string): Promise<string> => {
  const child = spawn(process.execPath, [MCPD, '--data-folder', dataFolder, '--issue-admin-token'], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      printed += chunk
    })
  const [code] = await once(child, 'close')
  const token = /^mcpctl_at_[\w-]{43}$/m.exec(printed)?.[0]
  if (code !== 0 || token === undefined) throw new Error(`no token was issued:\n${printed}`)
  return token
}
