import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openProcessRuntime } from './process-runtime.ts'
import { findProcess } from './process-table.ts'
import { intention, type RunRecord, started } from './run-record.ts'
import { cgroupsHere } from './testing/cgroups.ts'
import { startHost } from './testing/host.ts'
import { handles, isAlive, processesIn } from './testing/processes.ts'
import { daemonising, forking, script, stubborn } from './testing/programs.ts'
import { startRegistry } from './testing/registry.ts'
import { scratchFolder } from './testing/scratch.ts'

const eventually = { timeout: 10_000, interval: 20 }

const openAgain = async (dataFolder: string) => {
  const runtime = await openProcessRuntime({ dataFolder })
  onTestFinished(() => runtime.close())
  return runtime
}

const { folder: hasCgroups } = await cgroupsHere()
if (!hasCgroups) console.log('The end of daemons of a killed mcpd was not tried: there are no cgroups')

/** A host with a program that ignores everything but SIGKILL, and one that has forked such a program. */
const setUp = async () => {
  const dataFolder = await scratchFolder()
  const host = startHost(dataFolder, [stubborn, forking])
  const { watcher, programs } = await host.state()
  const pids = [...programs.map(({ pid }) => pid), Number(programs[1]?.line)]
  onTestFinished(() => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL')
  })
  expect(pids.filter(isAlive)).toHaveLength(3)
  return { dataFolder, host, watcher, pids }
}

describe('when mcpd is killed', { timeout: 30_000 }, () => {
  it('the watcher ends every program, and what they forked, and itself', async () => {
    const { host, watcher, pids } = await setUp()
    await host.kill()
    await vi.waitFor(() => expect([...pids, watcher].filter(isAlive)).toEqual([]), eventually)
  })

  it('a new watcher knows everything that the one before knew', async () => {
    const { host, watcher, pids } = await setUp()
    process.kill(watcher, 'SIGKILL')
    const next = await host.state()
    expect(next.watcher).not.toBe(watcher)
    expect(pids.filter(isAlive)).toHaveLength(3)
    await host.kill()
    await vi.waitFor(() => expect([...pids, next.watcher].filter(isAlive)).toEqual([]), eventually)
  })

  it('a watcher is not ended by the signals of a shutdown', async () => {
    const { host, watcher, pids } = await setUp()
    await vi.waitFor(() => expect(handles(watcher, 'SIGHUP')).toBe(true), eventually)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(watcher, signal)
    await host.kill()
    await vi.waitFor(() => expect([...pids, watcher].filter(isAlive)).toEqual([]), eventually)
  })

  it('together with its watcher, the next one ends what is left before it starts anything', async () => {
    const { dataFolder, host, watcher, pids } = await setUp()
    host.freeze()
    process.kill(watcher, 'SIGKILL')
    await host.kill()
    await vi.waitFor(() => expect(isAlive(watcher)).toBe(false), eventually)
    // The forking program ends with its input; what it forked stays, without a leader of its group.
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([pids[0], pids[2]]), eventually)
    await openAgain(dataFolder)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await readdir(join(dataFolder, 'run'))).toEqual([])
  })

  it.skipIf(!hasCgroups)('the watcher ends daemons, too, and so does the next mcpd without one', async () => {
    const dataFolder = await scratchFolder()
    const run = async () => {
      const host = startHost(dataFolder, [daemonising])
      const { watcher, programs } = await host.state()
      const daemon = Number(programs[0]?.line)
      onTestFinished(() => void (isAlive(daemon) && process.kill(daemon, 'SIGKILL')))
      expect(isAlive(daemon)).toBe(true)
      return { host, watcher, daemon }
    }
    const first = await run()
    await first.host.kill()
    await vi.waitFor(() => expect([first.daemon, first.watcher].filter(isAlive)).toEqual([]), eventually)
    const { host, watcher, daemon } = await run()
    host.freeze()
    process.kill(watcher, 'SIGKILL')
    await host.kill()
    await vi.waitFor(() => expect(isAlive(watcher)).toBe(false), eventually)
    expect(isAlive(daemon)).toBe(true)
    await openAgain(dataFolder)
    expect(isAlive(daemon)).toBe(false)
  })

  it('at any moment of starting and stopping, nothing is left', async () => {
    const dataFolder = await scratchFolder()
    const busy = script('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)')
    for (let round = 0; round < 3; round++) {
      const host = startHost(dataFolder, [busy], '--endless')
      for (let starts = 0; starts <= round; starts++) await host.next()
      await host.kill()
      await vi.waitFor(() => expect(processesIn(dataFolder)).toEqual([]), eventually)
    }
  })

  it('while a package is being installed, npm ends and half a package is never taken for one', async () => {
    const dataFolder = await scratchFolder()
    const registry = await startRegistry()
    registry.fallSilent()
    const config = { npm_config_registry: registry.environment.npm_config_registry, npm_config_fetch_retries: '0' }
    for (const [name, value] of Object.entries(config)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    const host = startHost(dataFolder, [{ kind: 'package', packageName: 'a', args: [], allowScripts: false }])
    await vi.waitFor(() => expect(registry.requests).not.toEqual([]), eventually)
    expect(processesIn(dataFolder)).not.toEqual([])
    await host.kill()
    await vi.waitFor(() => expect(processesIn(dataFolder)).toEqual([]), eventually)
    expect(await readdir(join(dataFolder, 'packages'))).toHaveLength(1)
    await openAgain(dataFolder)
    expect(await readdir(join(dataFolder, 'packages'))).toEqual([])
  })
})

describe('what a former mcpd noted', { timeout: 30_000 }, () => {
  /** A process that leads a group and works in `folder`, as programs do. */
  const startBystander = async (folder: string): Promise<number> => {
    await mkdir(folder, { recursive: true })
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      cwd: folder,
      detached: true,
      stdio: 'ignore',
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child.pid ?? 0
  }
  const note = async (dataFolder: string, ...records: RunRecord[]) => {
    await mkdir(join(dataFolder, 'run'), { recursive: true })
    for (const record of records) {
      await writeFile(join(dataFolder, 'run', `${record.key}.jsonl`), `${JSON.stringify(record)}\n{"half`)
    }
  }

  it('is ended when the process is the one it noted', async () => {
    const dataFolder = await scratchFolder()
    const pid = await startBystander(join(dataFolder, 'work'))
    await note(dataFolder, started(intention('k', '/elsewhere'), pid))
    await openAgain(dataFolder)
    expect(isAlive(pid)).toBe(false)
  })

  it.each<[string, Partial<RunRecord>]>([
    ['another start time', { start: '1' }],
    ['another boot', { boot: 'another' }],
  ])('spares a process with the same pid and %s', async (_, differs) => {
    const dataFolder = await scratchFolder()
    const pid = await startBystander(join(dataFolder, 'work'))
    await note(dataFolder, { ...started(intention('k', join(dataFolder, 'work')), pid), ...differs })
    await openAgain(dataFolder)
    expect(isAlive(pid)).toBe(true)
    expect(await readdir(join(dataFolder, 'run'))).toEqual([])
  })

  it('is ended though mcpd died before it noted the pid', async () => {
    const dataFolder = await scratchFolder()
    const folder = join(dataFolder, 'work')
    await note(dataFolder, intention('k', folder))
    const pid = await startBystander(folder)
    const elsewhere = await startBystander(join(dataFolder, 'other'))
    await openAgain(dataFolder)
    expect([isAlive(pid), isAlive(elsewhere)]).toEqual([false, true])
  })

  it.each([
    ['is ended', 'work', false],
    ['is spared when it works elsewhere, so may be somebody else by now:', 'other', true],
  ])('%s what is left of a group whose leader is gone', async (_, noted, spared) => {
    const dataFolder = await scratchFolder()
    const folder = join(dataFolder, 'work')
    await mkdir(folder)
    const fork = `const child = require('child_process').spawn('sleep', ['60'], { stdio: 'ignore' }); console.log(child.pid); child.unref()`
    const leader = spawn(process.execPath, ['-e', fork], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const record = started(intention('k', join(dataFolder, noted)), leader.pid ?? 0)
    const [forked] = await Promise.all([text(leader.stdout).then(Number), once(leader, 'exit')])
    onTestFinished(() => void (isAlive(forked) && process.kill(forked, 'SIGKILL')))
    expect([findProcess(record.group ?? 0), isAlive(forked)]).toEqual([undefined, true])
    await note(dataFolder, record)
    await openAgain(dataFolder)
    expect(isAlive(forked)).toBe(spared)
  })

  it('may be unreadable: mcpd starts all the same', async () => {
    const dataFolder = await scratchFolder()
    await mkdir(join(dataFolder, 'run'))
    await writeFile(join(dataFolder, 'run', 'a.jsonl'), '')
    await writeFile(join(dataFolder, 'run', 'b.jsonl'), '{"key":"b","group":-1}\n\0\0')
    await openAgain(dataFolder)
    expect(await readdir(join(dataFolder, 'run'))).toEqual([])
  })
})
