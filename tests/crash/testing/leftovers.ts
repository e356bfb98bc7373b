import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { z } from 'zod'
import { allProcesses, findProcess, workingFolder } from '../../../adapters/process/process-table.ts'
import type { Api } from './api.ts'
import { parentOf } from './proc.ts'

/** A process that is not mistaken for another one of its pid. */
interface Known {
  readonly pid: number
  readonly start: string
}

const runs = ({ pid, start }: Known): boolean => {
  const found = findProcess(pid)
  return found !== undefined && !found.zombie && found.start === start
}

/** What a mcpd has started, children of children included, and whatever works in its data folder. */
export const familyOf = (pid: number, dataFolder: string): readonly Known[] => {
  const all = allProcesses().map((row) => ({ ...row, parent: parentOf(row.pid) }))
  const family = new Set([pid])
  for (let before = 0; before < family.size; ) {
    before = family.size
    for (const row of all) if (row.parent !== undefined && family.has(row.parent)) family.add(row.pid)
  }
  const inFolder = (each: number): boolean => workingFolder(each)?.startsWith(`${dataFolder}/`) === true
  return all.filter((row) => row.pid !== pid && (family.has(row.pid) || inFolder(row.pid)))
}

const GONE_MS = 15_000

/** Waits until none of these runs. */
export const expectGone = async (family: readonly Known[]): Promise<void> => {
  await expect.poll(() => family.filter(runs).map(({ pid }) => pid), { timeout: GONE_MS, interval: 20 }).toEqual([])
}

/** Waits until nothing works in the folder. */
export const expectNobodyIn = async (dataFolder: string): Promise<void> => {
  const inside = () =>
    allProcesses().filter(({ pid, zombie }) => !zombie && workingFolder(pid)?.startsWith(`${dataFolder}/`))
  await expect.poll(inside, { timeout: GONE_MS, interval: 50 }).toEqual([])
}

/** Files of a data folder that only somebody at work has: half written, doomed, being installed. */
const unfinishedFiles = async (dataFolder: string): Promise<readonly string[]> => {
  const names = await readdir(dataFolder, { recursive: true })
  const own = names.filter((name) => !name.startsWith(join('read-models', 'pgdata')) && !name.includes('node_modules'))
  return own.filter((name) => /\.(tmp|gone|new)$|\.installing-/.test(name))
}

/** Names in a part of the data folder; none when there is no such part yet. */
const namesIn = (dataFolder: string, part: string): Promise<readonly string[]> =>
  readdir(join(dataFolder, part)).then(
    (names) => names.sort(),
    () => [],
  )

const instanceList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) })

/** Waits until the data folder holds no more than it needs: nothing half made, nothing of instances that are gone. */
export const expectTidy = async (api: Api, dataFolder: string): Promise<void> => {
  const look = async (): Promise<readonly string[]> => {
    const { items } = instanceList.parse(await api.read('instances?limit=1000'))
    const instances = new Set(items.map(({ metadata }) => metadata.name))
    const of = async (part: string): Promise<readonly string[]> =>
      (await namesIn(dataFolder, part)).filter((name) => !instances.has(name)).map((name) => join(part, name))
    const records = await namesIn(dataFolder, 'run')
    const surplus = records.length > instances.size ? [`${records.length} records of ${instances.size} programs`] : []
    return [...(await unfinishedFiles(dataFolder)), ...(await of('work')), ...(await of('logs')), ...surplus]
  }
  await expect.poll(look, { timeout: GONE_MS, interval: 100 }).toEqual([])
}
