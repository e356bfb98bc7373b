import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { silent } from './logger.ts'
import { openPackageStore, type PackageRequest } from './package-store.ts'
import { openProcessGroups } from './process-groups.ts'
import { processesIn } from './testing/processes.ts'
import { startRegistry, type TestPackage } from './testing/registry.ts'
import { scratchFolder } from './testing/scratch.ts'

const tool = (version: string, more: Partial<TestPackage> = {}): TestPackage => ({
  name: '@test/tool',
  version,
  bin: 'bin.js',
  files: { 'bin.js': '#!/usr/bin/env node\n' },
  ...more,
})
const wanted = (version?: string, allowScripts = false): PackageRequest => ({
  packageName: '@test/tool',
  allowScripts,
  ...(version === undefined ? {} : { version }),
})
const never = { signal: new AbortController().signal }

const openStore = async (folder: string, environment: Record<string, string | undefined>, deadlineMs?: number) => {
  const groups = await openProcessGroups({ folder: join(folder, 'run'), logger: silent })
  const limits = deadlineMs === undefined ? {} : { deadlineMs }
  const store = await openPackageStore({ folder: join(folder, 'packages'), groups, environment, ...limits })
  onTestFinished(async () => {
    await store.close()
    await groups.close(100)
  })
  return store
}

const setUp = async (...packages: TestPackage[]) => {
  const registry = await startRegistry()
  for (const one of packages) await registry.publish(one)
  const folder = await scratchFolder()
  return { registry, folder, store: await openStore(folder, registry.environment) }
}
const temporaryIn = async (folder: string) =>
  (await readdir(join(folder, 'packages'))).filter((name) => name.startsWith('.installing-'))

describe('the package store', { timeout: 30_000 }, () => {
  it('installs a package and says how to start it without a shell', async () => {
    const { store, folder } = await setUp(tool('1.0.0'))
    const program = await store.program(wanted(), never)
    expect(program).toEqual({ version: '1.0.0', command: process.execPath, args: [expect.stringContaining(folder)] })
    expect(await readFile(program.args[0] ?? '', 'utf8')).toContain('node')
  })

  it.each([undefined, '^1.0.0'])(
    'keeps its first answer for %s, without the registry and over a restart',
    async (range) => {
      const { store, folder, registry } = await setUp(tool('1.0.0'))
      await store.program(wanted(range), never)
      await registry.publish(tool('1.5.0'))
      const asked = registry.requests.length
      expect(await store.program(wanted(range), never)).toMatchObject({ version: '1.0.0' })
      expect(registry.requests).toHaveLength(asked)
      await registry.close()
      const again = await openStore(folder, registry.environment)
      expect(await again.program(wanted(range), never)).toMatchObject({ version: '1.0.0' })
    },
  )

  it('installs the newest version in a range, and each range for itself', async () => {
    const { store } = await setUp(tool('1.0.0'), tool('1.4.0'), tool('2.0.0'))
    expect(await store.program(wanted('^1.0.0'), never)).toMatchObject({ version: '1.4.0' })
    expect(await store.program(wanted('>=2 <3'), never)).toMatchObject({ version: '2.0.0' })
  })

  it('installs once for all who ask at the same time', async () => {
    const { store, registry } = await setUp(tool('1.0.0'))
    await Promise.all([1, 2, 3].map(() => store.program(wanted(), never)))
    expect(registry.requests.filter((path) => path.endsWith('.tgz'))).toHaveLength(1)
  })

  it('runs install scripts only where they are allowed, for the same version, and never shows them our environment', async () => {
    const scripts = { postinstall: 'node -e "fs.writeFileSync(\'ran\', JSON.stringify(process.env))"' }
    const { registry, folder } = await setUp(tool('1.0.0', { scripts }))
    const store = await openStore(folder, { ...registry.environment, SECRET: 'a-secret-value' })
    const without = await store.program(wanted(), never)
    await registry.publish(tool('2.0.0', { scripts }))
    const withScripts = await store.program(wanted(undefined, true), never)
    expect(withScripts.version).toBe('1.0.0')
    const ran = (program: typeof without) => readFile(join(program.args[0] ?? '', '../ran'), 'utf8')
    await expect(ran(without)).rejects.toThrow('ENOENT')
    const seen = await ran(withScripts)
    expect(seen).toContain('PATH')
    expect(seen).not.toContain('a-secret-value')
  })

  it('finds a version that is younger than what the cache knows', async () => {
    const { store, registry } = await setUp(tool('1.0.0'))
    await store.program(wanted(), never)
    await registry.publish(tool('1.1.0'))
    expect(await store.program(wanted('1.1.0'), never)).toMatchObject({ version: '1.1.0' })
  })

  it('says that a package does not exist', async () => {
    const { store } = await setUp()
    const failure = store.program({ packageName: 'no-such-package', allowScripts: false }, never)
    await expect(failure).rejects.toThrow('The package no-such-package does not exist')
  })

  it('says that a version does not exist', async () => {
    const { store } = await setUp(tool('1.0.0'))
    await expect(store.program(wanted('9.9.9'), never)).rejects.toThrow('@test/tool@9.9.9 was not found')
  })

  it('says that the registry cannot be reached, and keeps nothing', async () => {
    const { store, registry, folder } = await setUp(tool('1.0.0'))
    await registry.close()
    await expect(store.program(wanted(), never)).rejects.toThrow('cannot be reached (ECONNREFUSED)')
    expect(await readdir(join(folder, 'packages'))).toEqual([])
  })

  it('lists the programs of a package that has several and none of its own name', async () => {
    const { store } = await setUp(tool('1.0.0', { bin: { one: 'bin.js', two: 'bin.js' } }))
    await expect(store.program(wanted(), never)).rejects.toThrow('none has its name: one, two')
  })

  it('says that a library has no program', async () => {
    const { store } = await setUp({ name: '@test/tool', version: '1.0.0', files: {} })
    await expect(store.program(wanted(), never)).rejects.toThrow('has no program to start')
  })

  it('goes on for the others when one of them gives up', async () => {
    const { store } = await setUp(tool('1.0.0'))
    const impatient = new AbortController()
    const given = store.program(wanted(), { signal: impatient.signal })
    const other = store.program(wanted(), never)
    impatient.abort(new Error('given up'))
    await expect(given).rejects.toThrow('given up')
    expect(await other).toMatchObject({ version: '1.0.0' })
  })

  it('ends npm when nobody waits any more, and leaves nothing', async () => {
    const { store, registry, folder } = await setUp(tool('1.0.0'))
    registry.fallSilent()
    const impatient = new AbortController()
    const given = store.program(wanted(), { signal: impatient.signal })
    await vi.waitFor(() => expect(registry.requests).not.toEqual([]), { timeout: 10_000 })
    expect(processesIn(folder)).not.toEqual([])
    impatient.abort(new Error('given up'))
    await expect(given).rejects.toThrow('given up')
    await store.close()
    expect(processesIn(folder)).toEqual([])
    expect(await temporaryIn(folder)).toEqual([])
  })

  it('ends an installation that takes too long', async () => {
    const { registry, folder } = await setUp(tool('1.0.0'))
    registry.fallSilent()
    const store = await openStore(folder, registry.environment, 500)
    await expect(store.program(wanted(), never)).rejects.toThrow('within 0.5 seconds')
    expect(processesIn(folder)).toEqual([])
  })

  it('removes half an installation that a kill has left', async () => {
    const { folder, registry } = await setUp()
    await mkdir(join(folder, 'packages', '.installing-x'), { recursive: true })
    await openStore(folder, registry.environment)
    expect(await readdir(join(folder, 'packages'))).toEqual([])
  })
})
