import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

export interface Program {
  readonly child: ChildProcess
  /** Resolves with its exit code, null after a signal, once it has ended. */
  readonly ended: Promise<number | null>
  /** All it has written to stdout so far: a file, so nothing that it wrote is still under way. */
  output(): string
  lines(): number
}

/**
 * Starts one of the programs beside this file in a process of its own, which ends with the test at the latest.
 * @param stderr 'ignore' for one that is expected to fail
 */
export const startProgram = async (
  program: string,
  folder: string,
  stderr: 'inherit' | 'ignore' = 'inherit',
): Promise<Program> => {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const path = join(await temporaryFolder(), 'stdout')
  const stdout = await open(path, 'a')
  const child = spawn(process.execPath, ['--import', 'tsx', file, folder], { stdio: ['ignore', stdout.fd, stderr] })
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  onTestFinished(() => void child.kill('SIGKILL'))
  await stdout.close()
  const output = (): string => readFileSync(path, 'utf8')
  return { child, ended, output, lines: () => output().split('\n').length - 1 }
}
