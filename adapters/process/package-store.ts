import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startFailed } from '../../domain/instance/runtime.ts'
import { CodedError, codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { npmInstall } from './npm.ts'
import { installFailed } from './package-failure.ts'
import { checkPackage, folderName } from './package-name.ts'
import { type PackageProgram, packageProgram } from './package-program.ts'
import type { ProcessGroups } from './process-groups.ts'
import { pythonProgram, requirementOf } from './python-package.ts'
import { syncPath, syncTree } from './sync-tree.ts'
import { uvInstall } from './uv.ts'

/** How long an installation may take. */
const INSTALL_DEADLINE_MS = 5 * 60_000
const TEMPORARY = '.installing-'

export interface PackageRequest {
  readonly packageName: string
  /** Where it is from: npm, or PyPI. Default node. */
  readonly runtime?: 'node' | 'python' | undefined
  /** Version or range; undefined is the newest there is when it is first asked for. */
  readonly version?: string | undefined
  /** Whether install scripts may run. Such a package never shares a folder with one installed without. */
  readonly allowScripts: boolean
}

export interface PackageStore {
  /**
   * The program of a package, installed if it is not here yet. The first answer for a name and a version holds for good.
   * @throws startFailed with the reason; the reason of `signal` when that aborts
   */
  program(request: PackageRequest, options: { signal: AbortSignal }): Promise<PackageProgram>
  /** Aborts what is being installed and waits for it. */
  close(): Promise<void>
}

export interface PackageStoreOptions {
  readonly folder: string
  readonly groups: ProcessGroups
  /** mcpd's own environment: npm and uv get their configuration from there. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly deadlineMs?: number
}

interface Installation {
  readonly done: Promise<void>
  readonly cancel: AbortController
  waiting: number
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** No name of npm begins with it: what is from PyPI, and uv's own, stand apart. */
const PYTHON = '+pypi'
const UV = '+uv'

/** A folder for each name, in it one for each version that was asked for: readable where it can be, a hash else. */
const slotOf = ({ packageName, runtime, version, allowScripts }: PackageRequest): string => {
  const asked = version?.trim() ?? 'newest'
  const readable = /^[\w.^~+-]+$/.test(asked)
    ? asked
    : `range-${createHash('sha256').update(asked).digest('hex').slice(0, 16)}`
  const name = runtime === 'python' ? join(PYTHON, packageName.toLowerCase()) : folderName(packageName)
  return join(name, allowScripts ? `${readable}@scripts` : readable)
}

const programIn = (folder: string, { packageName, runtime }: PackageRequest): Promise<PackageProgram> =>
  runtime === 'python' ? pythonProgram(folder, packageName) : packageProgram(folder, packageName)

/** @throws startFailed */
const checkRequest = ({ packageName, runtime, version }: PackageRequest): void => {
  if (runtime === 'python') requirementOf(packageName, version)
  else checkPackage(packageName, version)
}

/** Installs packages of npm and PyPI, each once, whole or not at all. Expects to be the only one that works on its folder. */
export const openPackageStore = async (options: PackageStoreOptions): Promise<PackageStore> => {
  const { folder, groups, environment, deadlineMs = INSTALL_DEADLINE_MS } = options
  const closing = new AbortController()
  const underWay = new Map<string, Installation>()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const leftOver = (await readdir(folder)).filter((name) => name.startsWith(TEMPORARY))
  for (const name of leftOver) await rm(join(folder, name), { recursive: true, force: true })

  /** The version to ask for: the one the other slot of the same request has, so that scripts do not change it. */
  const wanted = async (request: PackageRequest): Promise<string | undefined> => {
    const other = join(folder, slotOf({ ...request, allowScripts: !request.allowScripts }))
    return (await isThere(other)) ? (await programIn(other, request)).version : request.version
  }

  const python = async (request: PackageRequest, into: string, signal: AbortSignal): Promise<void> => {
    const { packageName: name, allowScripts: scripts } = request
    const requirement = requirementOf(name, await wanted(request))
    await uvInstall({
      groups,
      folder: into,
      ownFolder: join(folder, UV),
      environment,
      name,
      requirement,
      scripts,
      signal,
    })
  }

  const npm = async (request: PackageRequest, into: string, signal: AbortSignal): Promise<void> => {
    const { packageName, allowScripts } = request
    const dependencies = { [packageName]: (await wanted(request)) ?? 'latest' }
    await writeFile(join(into, 'package.json'), JSON.stringify({ private: true, dependencies }))
    const run = { groups, folder: into, environment, scripts: allowScripts, signal }
    const first = await npmInstall({ ...run, cached: true })
    // A version younger than what the cache knows of the package is not in the cache.
    const failure = first?.code === 'ETARGET' ? await npmInstall({ ...run, cached: false }) : first
    const shown = `${packageName}@${request.version ?? 'latest'}`
    if (failure !== undefined) throw installFailed(shown, packageName, failure)
  }

  const install = async (request: PackageRequest, slot: string, cancel: AbortSignal): Promise<void> => {
    const shown = request.packageName
    const deadline = AbortSignal.timeout(deadlineMs)
    const temporary = join(folder, `${TEMPORARY}${randomUUID()}`)
    try {
      await mkdir(temporary, { mode: 0o700 })
      const signal = AbortSignal.any([cancel, closing.signal, deadline])
      await (request.runtime === 'python' ? python : npm)(request, temporary, signal)
      await programIn(temporary, request) // what cannot be started is not kept
      await syncTree(temporary)
      await mkdir(dirname(slot), { recursive: true, mode: 0o700 })
      await rename(temporary, slot)
      await syncPath(dirname(slot))
      await syncPath(folder)
    } catch (error) {
      await rm(temporary, { recursive: true, force: true })
      if (error instanceof CodedError || cancel.aborted) throw error
      if (closing.signal.aborted) throw startFailed(`${shown} was not installed: mcpd is stopping.`)
      if (deadline.aborted)
        throw startFailed(
          `The package ${shown} could not be installed within ${deadlineMs / 1_000} seconds; ${request.runtime === 'python' ? 'uv' : 'npm'} was ended.`,
          'Check the network and the registry; the start is tried again.',
        )
      const code = String(codeOf(error) ?? '')
      throw installFailed(shown, shown, { code, output: messageOf(error) })
    }
  }

  /** One installation for all that want the same; it is aborted when the last of them has given up. */
  const share = (request: PackageRequest, slot: string): Installation => {
    const running = underWay.get(slot)
    if (running !== undefined && !running.cancel.signal.aborted) return running
    const cancel = new AbortController()
    const done = (async () => {
      await running?.done.catch(() => {}) // it was given up: wait until npm has let go
      if (!(await isThere(slot))) await install(request, slot, cancel.signal)
    })()
    const one: Installation = { done, cancel, waiting: 0 }
    underWay.set(slot, one)
    const forget = () => {
      if (underWay.get(slot) === one) underWay.delete(slot)
    }
    done.then(forget, forget)
    return one
  }

  const waitFor = async (one: Installation, signal: AbortSignal): Promise<void> => {
    one.waiting++
    let onAbort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason)
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      await Promise.race([one.done, aborted])
    } finally {
      signal.removeEventListener('abort', onAbort)
      one.waiting--
      if (one.waiting === 0) one.cancel.abort()
    }
  }

  return {
    async program(request, { signal }) {
      signal.throwIfAborted()
      checkRequest(request)
      const slot = join(folder, slotOf(request))
      if (!(await isThere(slot))) {
        if (closing.signal.aborted) throw startFailed(`${request.packageName} was not installed: mcpd is stopping.`)
        await waitFor(share(request, slot), signal)
      }
      return programIn(slot, request)
    },
    async close() {
      closing.abort()
      await Promise.allSettled([...underWay.values()].map(({ done }) => done))
    },
  }
}
