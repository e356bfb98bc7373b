import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { lineSplitter } from '../../../domain/instance/line-splitter.ts'
import {
  type Exit,
  type Launch,
  MAX_LINE_LENGTH,
  type RunningProgram,
  type Runtime,
} from '../../../domain/instance/runtime.ts'

export interface SpawnRuntime extends Runtime {
  /** What programs logged, by instance, as `source: line`. */
  readonly logs: ReadonlyMap<string, readonly string[]>
  /** Programs that run at the moment. */
  readonly children: ReadonlySet<ChildProcess>
  /** From now on nothing is taken from the instance's writers, as if the program did not read its stdin. */
  block(instance: string): void
}

/** Most lines of stderr that an exit's reason quotes. */
const STDERR_LINES = 3

/** The smallest runtime there can be: a child process and its lines. Only `command` programs. */
export const createSpawnRuntime = (): SpawnRuntime => {
  const logs = new Map<string, string[]>()
  const children = new Set<ChildProcess>()
  const blocked = new Set<string>()

  const run = ({ instance, session, program, env }: Launch): RunningProgram => {
    if (program.kind !== 'command') throw new Error('only commands')
    const child = spawn(program.command, [...program.args], { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' })
    children.add(child)
    blocked.delete(instance)
    const log: string[] = session === undefined ? [] : (logs.get(instance) ?? [])
    logs.set(instance, log)
    child.stdin.on('error', () => {}) // the program is gone: `exited` says so
    const stderr: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      stderr.push(line)
      log.push(`stderr: ${line}`)
    })
    const exited = once(child, 'close').then(([code, signal]): Exit => {
      children.delete(child)
      const how = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`
      const reason = [how, ...stderr.slice(-STDERR_LINES)].join('; ')
      return signal === null ? { code, reason } : { signal, reason }
    })
    return {
      details: { pid: child.pid ?? null },
      send(message) {
        if (blocked.has(instance)) return false
        child.stdin.write(`${message}\n`)
        return true
      },
      onLine(onLine, onLong) {
        const tooLong = (): void => void child.kill('SIGKILL')
        const lines = lineSplitter({ maxBytes: MAX_LINE_LENGTH, onLine, onLong, onTooLong: tooLong })
        child.stdout.on('data', lines.push)
      },
      log: (source, line) => log.push(`${source}: ${line}`),
      exited,
      async stop({ graceMs }) {
        child.stdin.end()
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await exited
        clearTimeout(timer)
      },
    }
  }

  return {
    kind: 'process',
    logs,
    children,
    block: (instance) => blocked.add(instance),
    start: async (launch) => run(launch),
    async close() {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all([...children].map((child) => once(child, 'close')))
    },
  }
}
