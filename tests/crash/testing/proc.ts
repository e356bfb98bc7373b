import { readdirSync, readFileSync } from 'node:fs'
import { statFields } from '../../../adapters/process/process-table.ts'

/** The parent of a process; undefined when there is no such process. */
export const parentOf = (pid: number): number | undefined => {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined // gone since it was listed
  }
}

/** In what states the threads of a process are: only `T` once it stands still. */
export const threadStates = (pid: number): readonly string[] => {
  const tasks = `/proc/${pid}/task`
  const stats = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/stat`, 'utf8'))
  return [...new Set(stats.map((text) => statFields(text)[0] ?? ''))]
}
