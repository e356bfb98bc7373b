import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openProcessGroups } from './process-groups.ts'
import { cgroupsHere } from './testing/cgroups.ts'
import { isAlive } from './testing/processes.ts'
import { daemonising, script } from './testing/programs.ts'
import { eventually, pidOf, setUp } from './testing/runtime.ts'
import { scratchFolder } from './testing/scratch.ts'

const cgroups = await cgroupsHere()
if (!cgroups.limits) console.log(`Limits of memory, CPU and processes were not tried: ${cgroups.why}`)
if (!cgroups.folder) console.log('The end of programs that leave their session was not tried: there are no cgroups')

const MEGABYTE = 2 ** 20
const linux = process.platform === 'linux'

/** Folder of the cgroup that a process is in. */
const cgroupOf = (pid: number): string => {
  const mount = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1] ?? ''
  return join(mount, /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '')
}

describe('a limit', { timeout: 30_000 }, () => {
  it.skipIf(!linux)('on open files holds, for what the program starts as well', async () => {
    const { start } = await setUp()
    const source = `console.log(require('child_process').execSync('ulimit -Hn; ulimit -Sn').toString().replace('\\n', ' '))`
    const { lines } = await start(script(source), { limits: { openFiles: 64 } })
    await vi.waitFor(() => expect(lines[0]).toBe('64 64'), eventually)
  })

  it('leaves the environment as it was declared', async () => {
    const { start } = await setUp({ environment: { PATH: process.env.PATH, HOME: '/home/x' } })
    const program = script('console.log(Object.keys(process.env).sort().join())')
    const { lines } = await start(program, { limits: { openFiles: 64 }, env: { A: 'b' } })
    await vi.waitFor(() => expect(lines).toEqual(['A,HOME,PATH']), eventually)
  })

  it('that cannot be kept is said in the details and the log, with the reason, and the program runs', async () => {
    const { start, logged } = await setUp({ cgroups: false })
    const limits = { memoryBytes: 512 * MEGABYTE, cpus: 0.5, processes: 10 }
    const { running } = await start(script('process.stdin.resume()'), { limits })
    const reason = 'mcpd is told to use no cgroups'
    const notKept = [`memory 512Mi: ${reason}`, `cpu 0.5: ${reason}`, `processes 10: ${reason}`]
    expect(running.details).toMatchObject({ limitsNotKept: notKept })
    expect(await logged('mcpd')).toEqual(expect.arrayContaining(notKept.map((each) => `a limit is not kept: ${each}`)))
    expect(isAlive(pidOf(running))).toBe(true)
  })

  it('changes nothing about what is said of a program that cannot be started', async () => {
    const { start } = await setUp()
    const limits = { openFiles: 64 }
    const go = (command: string) => start({ kind: 'command', command, args: [] }, { limits })
    await expect(go('no-such-command')).rejects.toThrow('was not found in PATH')
    await expect(go('/no/such/command')).rejects.toThrow('does not exist')
    await expect(go('/etc')).rejects.toThrow('may not be executed')
  })

  it.skipIf(!cgroups.limits)('on memory ends a program that leaks, all of it, and names the limit', async () => {
    const { start } = await setUp()
    const leak = script(`
      const { spawn } = require('child_process')
      console.log(spawn('sleep', ['60'], { stdio: 'ignore' }).pid)
      const kept = []
      setInterval(() => kept.push(Buffer.alloc(4 * 1024 * 1024, 1)), 1)
    `)
    const { running, lines } = await start(leak, { limits: { memoryBytes: 128 * MEGABYTE } })
    expect(await running.exited).toMatchObject({
      signal: 'SIGKILL',
      reason: 'The program was ended because it used more than its limit of 128Mi of memory.',
    })
    expect(isAlive(Number(lines[0]))).toBe(false)
    expect(running.details).not.toHaveProperty('limitsNotKept')
  })

  it.skipIf(!cgroups.limits)('on CPU and processes is set for the kernel to keep', async () => {
    const { start } = await setUp()
    const { running } = await start(script('process.stdin.resume()'), { limits: { cpus: 0.5, processes: 100 } })
    const cgroup = cgroupOf(pidOf(running))
    expect(readFileSync(join(cgroup, 'cpu.max'), 'utf8')).toBe('50000 100000\n')
    expect(readFileSync(join(cgroup, 'pids.max'), 'utf8')).toBe('100\n')
  })
})

describe.skipIf(!cgroups.folder)('a program that leaves its session', { timeout: 30_000 }, () => {
  it('is in a cgroup of its own with all it starts, which goes when it goes', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(daemonising)
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    const cgroup = cgroupOf(pidOf(running))
    expect(cgroup).toMatch(/\/mcpctl-[0-9a-f]{12}\/a-[0-9a-f-]{36}$/)
    expect(cgroupOf(Number(lines[0]))).toBe(cgroup)
    await running.stop({ graceMs: 2_000 })
    expect(isAlive(Number(lines[0]))).toBe(false)
    expect(existsSync(cgroup)).toBe(false)
  })

  it('leaves nothing behind when it ends by itself', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(daemonising)
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    process.kill(pidOf(running), 'SIGKILL')
    await running.exited
    expect(isAlive(Number(lines[0]))).toBe(false)
  })

  it('makes no cgroup where none of it could be started', async () => {
    const groups = await openProcessGroups({ folder: await scratchFolder(), logger: console })
    const folder = await scratchFolder()
    const env = { PATH: process.env.PATH ?? '' }
    const one = await groups.spawn('sleep', ['60'], { cwd: folder, env, stdin: 'ignore' })
    await vi.waitFor(() => expect(cgroupOf(one.pid)).toContain('/tool-'), eventually)
    const place = dirname(cgroupOf(one.pid))
    await expect(groups.spawn('no-such', [], { cwd: folder, env, stdin: 'ignore' })).rejects.toThrow('ENOENT')
    expect(readdirSync(place, { withFileTypes: true }).filter((each) => each.isDirectory())).toHaveLength(1)
    await groups.close(0)
    expect(existsSync(place)).toBe(false)
  })
})
