import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Program } from '../../../domain/instance/runtime.ts'
import { removeEmptyPlace } from './cgroups.ts'

export interface HostState {
  readonly watcher: number
  readonly programs: readonly { readonly pid: number; readonly line: string }[]
}

/** Starts `host-main.ts` as a process of its own. `next` gives each line it prints. */
export const startHost = (dataFolder: string, programs: readonly Program[], ...flags: string[]) => {
  const loader = createRequire(import.meta.url).resolve('tsx')
  const main = fileURLToPath(new URL('./host-main.ts', import.meta.url))
  const args = ['--import', loader, main, dataFolder, ...programs.map((one) => JSON.stringify(one)), ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('The host has ended')
    return value
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  onTestFinished(async () => {
    await kill()
    await removeEmptyPlace(dataFolder)
  })
  return {
    pid: child.pid ?? 0,
    next,
    state: async (): Promise<HostState> => JSON.parse(await next()),
    kill,
    /** Stops it as it is, so that it cannot react to what happens next. */
    freeze: () => child.kill('SIGSTOP'),
  }
}
