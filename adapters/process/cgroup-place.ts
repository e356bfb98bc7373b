import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { codeOf } from '../../domain/kernel/errors.ts'
import { endCgroup, pidsIn, readCgroup, removeCgroup } from './cgroup.ts'

/** What limits are kept by. */
export const CONTROLLERS = ['memory', 'cpu', 'pids'] as const
export type Controller = (typeof CONTROLLERS)[number]

/** Where programs get cgroups of their own. */
export interface CgroupPlace {
  /** The cgroup that theirs are below. */
  readonly folder: string
  readonly controllers: ReadonlySet<Controller>
  /** Why the others are not there; '' when all are. */
  readonly missing: string
  /** Makes it again when somebody has removed it. */
  remake(): void
  /** Leaves mcpd's own cgroup as it was found, when nothing is below any more: nobody could enter one that hands controllers on. */
  leave(): void
}

/** The same, or the reason why there is no such place. */
export type Placed = CgroupPlace | { readonly folder?: never; readonly missing: string }

const execute = promisify(execFile)
/** A kernel that takes longer to move a process is not one to start programs by. */
const PROBE_MS = 5_000

/** Where version 2 is mounted, and the cgroup of this process as a folder of it. */
const ownCgroup = (): { readonly mount: string; readonly own: string } | undefined => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const mount = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4]
  const path = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  // A path that begins with /.. lies outside of what is mounted here.
  if (mount === undefined || path === undefined || path.startsWith('/..')) return undefined
  return { mount, own: path === '/' ? mount : join(mount, path) }
}

const wordsOf = (folder: string, file: string): ReadonlySet<string> =>
  new Set((readCgroup(folder, file) ?? '').trim().split(/\s+/))

/** Hands a controller on to the cgroups below. @returns whether they have it now */
const handOn = (folder: string, controller: Controller): boolean => {
  if (wordsOf(folder, 'cgroup.subtree_control').has(controller)) return true
  if (!wordsOf(folder, 'cgroup.controllers').has(controller)) return false
  try {
    writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`)
    return true
  } catch (error) {
    // EBUSY: processes stand in this very cgroup. EOPNOTSUPP, EINVAL: this kind of cgroup hands nothing on.
    const refused = ['EBUSY', 'EACCES', 'EPERM', 'EROFS', 'EOPNOTSUPP', 'EINVAL', 'ENOENT']
    if (refused.includes(String(codeOf(error)))) return false
    throw error
  }
}

/**
 * A cgroup with processes of its own hands no controllers on, so mcpd leaves its own for one below, when it is the only one there:
 * what else is there is not ours to move.
 */
const makeRoom = (own: string, below: string): boolean => {
  const pids = pidsIn(own)
  if (pids.length !== 1 || pids[0] !== process.pid) return false
  const leaf = join(below, 'mcpd')
  mkdirSync(leaf, { recursive: true })
  writeFileSync(join(leaf, 'cgroup.procs'), String(process.pid))
  return true
}

/** Undoes it. */
const goBack = (own: string, below: string): void => {
  for (const folder of [below, own])
    for (const each of CONTROLLERS)
      if (wordsOf(folder, 'cgroup.subtree_control').has(each))
        writeFileSync(join(folder, 'cgroup.subtree_control'), `-${each}`)
  writeFileSync(join(own, 'cgroup.procs'), String(process.pid))
}

/** Whether a process of ours can enter a cgroup in there: that takes rights above it, too. */
const canEnter = async (folder: string): Promise<boolean> => {
  const probe = join(folder, 'probe')
  try {
    mkdirSync(probe, { recursive: true })
    await execute('/bin/sh', ['-c', 'echo 0 > "$0"', join(probe, 'cgroup.procs')], { env: {}, timeout: PROBE_MS })
    return await endCgroup(probe, 0)
  } catch {
    removeCgroup(probe)
    return false
  }
}

/** A place below one cgroup. @throws the system's error when there may be none */
const placeBelow = async (parent: string, name: string, isOwn: boolean): Promise<CgroupPlace | undefined> => {
  const folder = join(parent, name)
  mkdirSync(folder, { recursive: true })
  // Cgroups above our own are left as they are, but for those that were given to this user.
  const ours = isOwn || (process.getuid?.() !== 0 && statSync(parent).uid === process.getuid?.())
  const has = (controller: Controller) =>
    (ours ? handOn(parent, controller) : wordsOf(parent, 'cgroup.subtree_control').has(controller)) &&
    handOn(folder, controller)
  const lacks = CONTROLLERS.some((each) => wordsOf(parent, 'cgroup.controllers').has(each) && !has(each))
  const moved = isOwn && lacks && makeRoom(parent, folder)
  const controllers = new Set(CONTROLLERS.filter(has))
  const remake = () => {
    mkdirSync(folder, { recursive: true })
    for (const each of controllers) handOn(folder, each)
  }
  const leave = () => {
    if (moved) goBack(parent, folder)
    removeCgroup(folder)
  }
  if (await canEnter(folder)) return { folder, controllers, missing: missingOf(parent, controllers), remake, leave }
  leave()
  return undefined
}

const missingOf = (parent: string, controllers: ReadonlySet<Controller>): string => {
  const missing = CONTROLLERS.filter((each) => !controllers.has(each))
  if (missing.length === 0) return ''
  const there = wordsOf(parent, 'cgroup.controllers')
  const absent = missing.filter((each) => !there.has(each))
  return absent.length > 0
    ? `version 2 of cgroups has no ${absent.join(', ')} here for mcpd`
    : `other processes share the cgroup of mcpd, so that it cannot hand ${missing.join(', ')} on`
}

const REFUSED = 'mcpd has no right to make cgroups (it needs one of its own, as systemd gives with Delegate=yes)'

/** A folder and all above it, up to `top`. */
const upwards = (folder: string, top: string): readonly string[] =>
  folder.length <= top.length ? [top] : [folder, ...upwards(dirname(folder), top)]

/**
 * Finds where programs can have cgroups: below mcpd's own, or the nearest one above it that hands controllers on. What an
 * earlier mcpd of the same name left there is ended.
 *
 * @param name of the cgroup that is made; the same for every mcpd of a data folder
 */
export const findCgroupPlace = async (name: string): Promise<Placed> => {
  if (process.platform !== 'linux') return { missing: 'this system has no cgroups' }
  const at = ownCgroup()
  if (at === undefined) return { missing: 'this system has no version 2 of cgroups that mcpd can see' }
  let best: CgroupPlace | undefined
  for (const parent of upwards(at.own, at.mount)) {
    const place = await placeBelow(parent, name, parent === at.own).catch((error: unknown) => {
      if (codeOf(error) === undefined) throw error
      return undefined // no rights there, or no such folder: what is above may do
    })
    if (place === undefined) continue
    if (best === undefined || place.controllers.size > best.controllers.size) {
      best?.leave()
      best = place
    } else place.leave()
    if (best.controllers.size === CONTROLLERS.length) break
  }
  return best ?? { missing: REFUSED }
}
