import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Limits } from '../../domain/instance/runtime.ts'
import { codeOf } from '../../domain/kernel/errors.ts'
import { showBytes } from '../../domain/server/limits.ts'
import { endCgroup, foldersIn } from './cgroup.ts'
import { type Controller, findCgroupPlace, type Placed } from './cgroup-place.ts'
import { LEFT_OVER_GRACE_MS } from './left-over.ts'

/** How a program is started so that it is within its limits from its first instruction on. */
export interface Confinement {
  /** The cgroup that it enters; undefined where there are none. Not made yet. */
  readonly folder: string | undefined
  /** Limits that cannot be kept here, as people would say it. */
  readonly notKept: readonly string[]
  /** Makes the cgroup, with its limits. */
  make(): void
  /** The command that confines itself and then becomes the program: the same process, with the same environment. */
  launch(command: string, args: readonly string[]): readonly [string, readonly string[]]
}

const CPU_PERIOD_US = 100_000
/** Less than this the kernel refuses. */
const LEAST_CPU_US = 1_000

/**
 * The shell enters the cgroup and lowers the limit itself, before it becomes the program: no moment passes in which the
 * program, or what it forks, is outside. A limit on files above the present one is kept as it is: that one is stricter.
 * What a shell puts into the environment by itself is taken out again.
 */
const LAUNCHER = `[ -z "$1" ] || echo 0 > "$1" || exit 126
[ -z "$2" ] || ulimit -n "$2" 2> /dev/null
shift 2
unset PWD OLDPWD SHLVL
exec "$@"`

interface CgroupLimit {
  readonly controller: Controller
  readonly shown: string
  /** File of the cgroup → what is written there. */
  readonly files: Readonly<Record<string, string>>
}

const cgroupLimits = ({ memoryBytes, cpus, processes }: Limits): readonly CgroupLimit[] => [
  ...(memoryBytes === undefined
    ? []
    : [
        {
          controller: 'memory' as const,
          shown: `memory ${showBytes(memoryBytes)}`,
          // As a whole: half a server that answers nobody would be worse than none.
          files: { 'memory.max': String(memoryBytes), 'memory.swap.max': '0', 'memory.oom.group': '1' },
        },
      ]),
  ...(cpus === undefined
    ? []
    : [
        {
          controller: 'cpu' as const,
          shown: `cpu ${cpus}`,
          files: { 'cpu.max': `${Math.max(LEAST_CPU_US, Math.round(cpus * CPU_PERIOD_US))} ${CPU_PERIOD_US}` },
        },
      ]),
  ...(processes === undefined
    ? []
    : [{ controller: 'pids' as const, shown: `processes ${processes}`, files: { 'pids.max': String(processes) } }]),
]

/** Written where the kernel has it: one without swap accounting has no `memory.swap.max`. */
const OPTIONAL = new Set(['memory.swap.max', 'memory.oom.group'])

const writeLimit = (folder: string, file: string, value: string): void => {
  try {
    writeFileSync(join(folder, file), value)
  } catch (error) {
    if (!OPTIONAL.has(file)) throw error
  }
}

const confinement = (place: Placed, name: string, limits: Limits): Confinement => {
  const wanted = cgroupLimits(limits)
  const controllers: ReadonlySet<string> = place.folder === undefined ? new Set() : place.controllers
  const kept = wanted.filter(({ controller }) => controllers.has(controller))
  const folder = place.folder === undefined ? undefined : join(place.folder, name)
  const openFiles = limits.openFiles === undefined ? '' : String(limits.openFiles)
  return {
    folder,
    notKept: wanted.filter((each) => !kept.includes(each)).map(({ shown }) => `${shown}: ${place.missing}`),
    make() {
      if (place.folder === undefined || folder === undefined) return
      try {
        mkdirSync(folder)
      } catch (error) {
        // The watcher of the mcpd before us has cleared away.
        if (codeOf(error) !== 'ENOENT') throw error
        place.remake()
        mkdirSync(folder)
      }
      for (const { files } of kept) for (const [file, value] of Object.entries(files)) writeLimit(folder, file, value)
    },
    launch(command, args) {
      if (folder === undefined && openFiles === '') return [command, args]
      const entry = folder === undefined ? '' : join(folder, 'cgroup.procs')
      return ['/bin/sh', ['-c', LAUNCHER, 'mcpctl', entry, openFiles, command, ...args]]
    },
  }
}

export interface Confinements {
  /** @param name of the cgroup, unique */
  of(name: string, limits: Limits): Promise<Confinement>
  /** Removes what was made, when the programs have ended. */
  close(): void
}

/** A cgroup of its own for each program, where this system lets us. `place` is looked for when the first program is started. */
export const openConfinements = (options: { readonly name: string; readonly enabled: boolean }): Confinements => {
  let found: Promise<Placed> | undefined
  let leave = () => {}

  const find = async (): Promise<Placed> => {
    if (!options.enabled) return { missing: 'mcpd is told to use no cgroups' }
    const place = await findCgroupPlace(options.name)
    if (place.folder === undefined) return place
    const { folder } = place
    leave = place.leave
    // Of a mcpd that was killed, whatever it had noted; `mcpd` is where we may stand ourselves.
    for (const left of foldersIn(folder)) if (left !== 'mcpd') await endCgroup(join(folder, left), LEFT_OVER_GRACE_MS)
    return place
  }

  return {
    async of(name, limits) {
      // Without cgroups programs run all the same, as they do where there are none.
      found ??= find().catch((error: unknown) => ({ missing: `cgroups cannot be used: ${error}` }))
      return confinement(await found, name, limits)
    },
    close: () => leave(),
  }
}
