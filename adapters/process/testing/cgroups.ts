import { join } from 'node:path'
import { removeCgroup } from '../cgroup.ts'
import { findCgroupPlace } from '../cgroup-place.ts'
import { openConfinements } from '../confinement.ts'
import { cgroupName } from '../process-groups.ts'

/** What this machine's cgroups can do for a process of ours: a folder to end what has fled, and controllers to keep limits. */
export const cgroupsHere = async (): Promise<{
  readonly folder: boolean
  readonly limits: boolean
  readonly why: string
}> => {
  const confinements = openConfinements({ name: `mcpctl-look-${process.pid}`, enabled: true })
  const { folder, notKept } = await confinements.of('look', { memoryBytes: 2 ** 20, cpus: 1, processes: 1 })
  confinements.close()
  return { folder: folder !== undefined, limits: notKept.length === 0, why: notKept[0] ?? '' }
}

/** A killed mcpd leaves its empty cgroup to the next one of its data folder; here there is none. */
export const removeEmptyPlace = async (dataFolder: string): Promise<void> => {
  const { folder } = await findCgroupPlace(cgroupName(join(dataFolder, 'run')))
  if (folder !== undefined) removeCgroup(folder)
}
