import { onTestFinished } from 'vitest'
import type { Launch, Program } from '../../../domain/instance/runtime.ts'
import { openProcessRuntime, type ProcessRuntimeOptions } from '../process-runtime.ts'
import type { ProcessProgram } from '../running-program.ts'
import { scratchFolder } from './scratch.ts'

export const never = { signal: new AbortController().signal }
/** For waiting until something that must come has come. */
export const eventually = { timeout: 10_000, interval: 10 }
export const pidOf = ({ details }: ProcessProgram) => Number(details.pid)

/** A runtime of the running test's own, on an empty data folder, with an instance `a` to start. */
export const setUp = async (options: Partial<ProcessRuntimeOptions> = {}) => {
  const dataFolder = await scratchFolder()
  const runtime = await openProcessRuntime({ dataFolder, ...options })
  onTestFinished(() => runtime.close())
  const launch = (program: Program, more: Partial<Launch> = {}): Launch => ({
    instance: 'a',
    server: 's',
    env: {},
    program,
    ...more,
  })
  const start = async (program: Program, more: Partial<Launch> = {}) => {
    const running = await runtime.start(launch(program, more), never)
    const lines: string[] = []
    running.onLine((line) => lines.push(line))
    return { running, lines }
  }
  const logged = async (source?: string) => {
    const lines: string[] = []
    for await (const line of runtime.logs.read('a'))
      if (source === undefined || line.source === source) lines.push(line.line)
    return lines
  }
  return { dataFolder, runtime, launch, start, logged }
}
