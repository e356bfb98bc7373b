import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Usage } from '../../domain/instance/runtime.ts'
import { together } from '../../domain/instance/usage.ts'
import { codeOf } from '../../domain/kernel/errors.ts'
import { statFields, TICKS_PER_SECOND } from './process-table.ts'

/** One process of a group. */
interface Part {
  readonly pid: number
  readonly cpuMs: number
  /** Where it costs nothing to know: `ps` tells it with the rest. */
  readonly memoryBytes?: number
}
type Groups = ReadonlyMap<number, readonly Part[]>

/** For so long one look at all processes serves every question, so that asking for many instances costs one. */
const LOOK_MS = 200

/** Reads what process groups use. A process that has left its group is not counted. */
export const usageReader = () => {
  let look: { readonly at: number; readonly groups: Promise<Groups> } | undefined

  const groupsNow = (): Promise<Groups> => {
    const at = performance.now()
    if (look === undefined || at - look.at > LOOK_MS) look = { at, groups: lookAtAll() }
    return look.groups
  }

  /** @returns undefined when none of these groups has a process */
  return async (groups: readonly number[]): Promise<Usage | undefined> => {
    if (groups.length === 0) return undefined
    const all = await groupsNow()
    const parts = groups.flatMap((group) => all.get(group) ?? [])
    const usageOf = async ({ pid, cpuMs, memoryBytes }: Part): Promise<Usage> => ({
      cpuMs,
      memoryBytes: memoryBytes ?? (await memoryOf(pid)),
      processes: 1,
    })
    return together(await Promise.all(parts.map(usageOf)))
  }
}

const lookAtAll = (): Promise<Groups> => (process.platform === 'linux' ? lookAtProc() : lookWithPs())

const lookAtProc = async (): Promise<Groups> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const texts = await Promise.all(pids.map((pid) => readIfThere(`/proc/${pid}/stat`)))
  return grouped(texts.map(parseCpu))
}

/** CPU time in `/proc/<pid>/stat`: of the process itself and of those of its children that have ended. */
export const parseCpu = (text: string): (Part & { readonly group: number }) | undefined => {
  const fields = statFields(text)
  const group = Number(fields[2])
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  if (fields.length < 15 || Number.isNaN(group + ticks) || fields[0] === 'Z') return undefined
  return { pid: Number.parseInt(text, 10), group, cpuMs: (ticks * 1000) / TICKS_PER_SECOND }
}

/** The share of a process in memory, or all that it has in memory where the share is not to be known. */
const memoryOf = async (pid: number): Promise<number> => {
  const share = /^Pss:\s+(\d+) kB$/m.exec(await readIfThere(`/proc/${pid}/smaps_rollup`))?.[1]
  const kilobytes = share ?? /^VmRSS:\s+(\d+) kB$/m.exec(await readIfThere(`/proc/${pid}/status`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

const run = promisify(execFile)

const lookWithPs = async (): Promise<Groups> => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,pgid=,rss=,time='], { env: { LC_ALL: 'C' } })
  return grouped(stdout.split('\n').map(parsePsUsage))
}

/** A row of `ps -o pid=,pgid=,rss=,time=`; the time is `[days-][hours:]minutes:seconds`. */
export const parsePsUsage = (row: string): (Part & { readonly group: number }) | undefined => {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*$/.exec(row)
  if (match === null) return undefined
  const [pid = 0, group = 0, rss = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((each) => Number(each ?? 0))
  const cpuMs = Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
  return { pid, group, cpuMs, memoryBytes: rss * 1024 }
}

const grouped = (rows: readonly ((Part & { readonly group: number }) | undefined)[]): Groups => {
  const groups = new Map<number, Part[]>()
  for (const row of rows) {
    if (row === undefined) continue
    const { group, ...part } = row
    const parts = groups.get(group)
    if (parts === undefined) groups.set(group, [part])
    else parts.push(part)
  }
  return groups
}

/** '' for what has ended meanwhile, and for what belongs to somebody else. */
const readIfThere = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'latin1')
  } catch (error) {
    if (GONE.has(codeOf(error))) return ''
    throw error
  }
}
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])
