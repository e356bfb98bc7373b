import type { Program } from '../../../domain/instance/runtime.ts'
import { openProcessRuntime } from '../process-runtime.ts'

/**
 * A small mcpd for tests that kill it: `host-main.ts <dataFolder> <program as JSON>...`. Starts the programs and prints
 * `{ watcher, programs: [{ pid, line }] }`, one JSON line, each with the first line it printed; again for each new watcher.
 * With `--endless` it starts and stops the first program for ever instead, and prints a line for each start.
 */
const [dataFolder = '', ...args] = process.argv.slice(2)
const runtime = await openProcessRuntime({ dataFolder })
const programs: Program[] = args.filter((arg) => arg !== '--endless').map((arg) => JSON.parse(arg))
const { signal } = new AbortController()

const launch = async (program: Program, index: number) => {
  const running = await runtime.start({ instance: `i${index}`, server: 's', env: {}, program }, { signal })
  return { running, first: new Promise<string>((resolve) => running.onLine(resolve)) }
}

const [only] = programs
while (args.includes('--endless') && only !== undefined) {
  const starts = await Promise.all([0, 1, 2].map((index) => launch(only, index)))
  console.log('started')
  await Promise.all(starts.map(({ running }) => running.stop({ graceMs: 0 })))
}

const started = await Promise.all(programs.map(launch))
const told = await Promise.all(
  started.map(async ({ running, first }) => ({ pid: running.details.pid, line: await first })),
)
let last: number | undefined
setInterval(() => {
  if (runtime.watcherPid === undefined || runtime.watcherPid === last) return
  last = runtime.watcherPid
  console.log(JSON.stringify({ watcher: last, programs: told }))
}, 10)
