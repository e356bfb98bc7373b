import type { InstanceLogs, Launch, Program } from '../../../domain/instance/runtime.ts'

export const never = { signal: new AbortController().signal }

/** Launches of one instance, for any runtime. */
export const launchOf =
  (instance: string) =>
  (program: Program, more: Partial<Launch> = {}): Launch => ({ instance, server: 's', env: {}, program, ...more })

/** What stands in the log of an instance by now. */
export const loggedOf =
  (logs: Pick<InstanceLogs, 'read'>, instance: string) =>
  async (source?: string): Promise<readonly string[]> => {
    const lines: string[] = []
    for await (const each of logs.read(instance))
      if (source === undefined || each.source === source) lines.push(each.line)
    return lines
  }
