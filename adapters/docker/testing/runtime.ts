import { onTestFinished } from 'vitest'
import type { Launch, Program } from '../../../domain/instance/runtime.ts'
import { readFairly } from '../../process/fair-reading.ts'
import { openInstanceLogs } from '../../process/instance-logs.ts'
import { silent } from '../../process/logger.ts'
import { launchOf, loggedOf, never } from '../../process/testing/launch.ts'
import { scratchFolder } from '../../process/testing/scratch.ts'
import { type DockerRuntimeOptions, openDockerRuntime } from '../docker-runtime.ts'
import { IMAGE, NODE, type TestEngine } from './engine.ts'

export const eventually = { timeout: 15_000, interval: 20 }

export const server: Program = { kind: 'image', image: IMAGE, args: [] }

/** A node program given as its source, in a container. */
export const script = (source: string): Extract<Program, { kind: 'image' }> => ({
  kind: 'image',
  image: IMAGE,
  command: NODE,
  args: ['-e', source],
})
export const echo = script('process.stdin.pipe(process.stdout)')

let instances = 0

/** A runtime of the running test's own, which is a mcpd of its own unless it is given another's name. */
export const setUp = async ({ socket, docker }: TestEngine, options: Partial<DockerRuntimeOptions> = {}) => {
  const instance = `a${++instances}`
  const owner = options.owner ?? `mcpd-${instance}`
  const logs = openInstanceLogs({ folder: await scratchFolder(), logger: silent })
  onTestFinished(() => logs.close())
  const open = () => {
    const runtime = openDockerRuntime({
      owner,
      logOf: logs.of,
      logger: silent,
      readFairly,
      socketPath: socket,
      ...options,
    })
    onTestFinished(() => runtime.close())
    return runtime
  }
  const runtime = open()
  const launch = launchOf(instance)
  const start = async (program: Program, more: Partial<Launch> = {}) => {
    const running = await runtime.start(launch(program, more), never)
    const received: string[] = []
    running.onLine((line) => received.push(line))
    return { running, received }
  }
  return {
    instance,
    owner,
    runtime,
    /** The same mcpd again. */
    open,
    launch,
    start,
    logged: loggedOf(logs, instance),
    /** The containers of this mcpd. */
    containers: () => docker.listContainers({ all: true, filters: { label: [`io.mcpctl.mcpd=${owner}`] } }),
  }
}
