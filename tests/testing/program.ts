import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'

/** Folder of the built programs. */
export const BIN = fileURLToPath(new URL('../../dist/cli/bin/', import.meta.url))

/** mcpd or mcplocal as a process of its own. */
export interface Program {
  readonly child: ChildProcess
  readonly url: string
  /** All of its standard error so far. */
  log(): string
}

/** A port that nobody listens on at this moment. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Starts a built program and waits until it says that it is ready. */
export const startProgram = async (
  name: 'mcpd' | 'mcplocal',
  options: { readonly port: number; readonly env: Readonly<Record<string, string>>; readonly args?: readonly string[] },
): Promise<Program> => {
  const { port, env, args = [] } = options
  const child = spawn(process.execPath, [join(BIN, `${name}.js`), '--port', `${port}`, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  await vi.waitFor(() => expect(log).toContain(`${name} is ready`), { timeout: 60_000, interval: 50 })
  return { child, url: `http://127.0.0.1:${port}`, log: () => log }
}

/** @returns the exit code; null after a signal */
export const endProgram = async (program: Program | undefined, signal: NodeJS.Signals): Promise<number | null> => {
  if (program === undefined || program.child.exitCode !== null || program.child.signalCode !== null) return null
  const exit = once(program.child, 'exit')
  program.child.kill(signal)
  const [code] = await exit
  return code
}
