import { onTestFinished } from 'vitest'
import type { Launch, Program } from '../../../domain/instance/runtime.ts'
import { openProcessRuntime, type ProcessRuntimeOptions } from '../process-runtime.ts'
import type { ProcessProgram } from '../running-program.ts'
import { launchOf, loggedOf, never } from './launch.ts'
import { scratchFolder } from './scratch.ts'

/** For waiting until something that must come has come. */
export const eventually = { timeout: 10_000, interval: 10 }
export const pidOf = ({ details }: ProcessProgram) => Number(details.pid)

/** A runtime of the running test's own, on an empty data folder, with an instance `a` to start. */
export const setUp = async (options: Partial<ProcessRuntimeOptions> = {}) => {
  const dataFolder = await scratchFolder()
  const runtime = await openProcessRuntime({ dataFolder, ...options })
  onTestFinished(() => runtime.close())
  const launch = launchOf('a')
  const start = async (program: Program, more: Partial<Launch> = {}) => {
    const running = await runtime.start(launch(program, more), never)
    const lines: string[] = []
    running.onLine((line) => lines.push(line))
    return { running, lines }
  }
  return { dataFolder, runtime, launch, start, logged: loggedOf(runtime.logs, 'a') }
}
