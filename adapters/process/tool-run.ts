import { lastLines } from '../../domain/instance/exit-reason.ts'
import { lineSplitter } from '../../domain/instance/line-splitter.ts'
import type { ProcessGroups } from './process-groups.ts'

const MAX_LINE = 8 * 1024
const KILL_GRACE_MS = 1_000

/** How a tool ended that was run to its end. */
export interface ToolRun {
  readonly exit: number | null
  /** Its last lines, bounded. */
  readonly output: string
}

/**
 * Runs a program that installs something, as a process group of its own.
 * @param onLine called with each line that it prints, cut where it is very long
 * @throws the system's error when it cannot be started; the reason of `signal` when that aborts: it and all it started have ended then
 */
export const runTool = async (options: {
  readonly groups: ProcessGroups
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly onLine?: (line: string) => void
}): Promise<ToolRun> => {
  const { groups, command, args, cwd, env, signal } = options
  const group = await groups.spawn(command, args, { cwd, env, stdin: 'ignore' })
  const tail = lastLines()
  const onLine = (line: string) => {
    options.onLine?.(line)
    tail.push(line)
  }
  for (const stream of [group.child.stdout, group.child.stderr]) {
    const lines = lineSplitter({ maxBytes: MAX_LINE, onLine, onTooLong: onLine })
    stream?.on('data', (chunk: Buffer) => lines.push(chunk))
  }
  const onAbort = () => void group.end(KILL_GRACE_MS)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const exit = await new Promise<number | null>((resolve) => group.child.once('exit', resolve))
  await group.gone
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  return { exit, output: tail.toString() }
}
