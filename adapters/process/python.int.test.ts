import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Program } from '../../domain/instance/runtime.ts'
import { requirementOf } from './python-package.ts'
import { eventually, setUp } from './testing/runtime.ts'
import { scratchFolder } from './testing/scratch.ts'
import { pythonEnvironment, pythonTool } from './testing/uv.ts'
import { startIndex } from './testing/wheel.ts'

console.log(
  pythonTool === undefined
    ? 'Packages from PyPI were not tried: there is neither uv nor a Python with pip'
    : `Packages from PyPI are installed by ${pythonTool === 'uv' ? 'uv' : 'a stand-in for uv, which is not installed'}`,
)

const python = (packageName: string, version?: string, allowScripts = false): Program => ({
  kind: 'package',
  runtime: 'python',
  packageName,
  args: [],
  allowScripts,
  ...(version === undefined ? {} : { version }),
})

describe('what is asked for on PyPI', () => {
  it.each([
    [undefined, 'a'],
    ['1.2.3', 'a==1.2.3'],
    ['2.0.0rc1', 'a==2.0.0rc1'],
    ['>=1.2,<2', 'a>=1.2,<2'],
    ['~=1.4', 'a~=1.4'],
    ['==2.*', 'a==2.*'],
    ['!=1.5, >1', 'a!=1.5,>1'],
  ])('%s is %s', (version, requirement) => {
    expect(requirementOf('a', version)).toBe(requirement)
  })
  it.each(['^1.2', '1.x', '>=1 <2', '@ file:///etc', '1;2', '==1,', '>=1.*'])('%s is no version there', (version) => {
    expect(() => requirementOf('a', version)).toThrow('is neither a version of a nor a range')
  })
  it.each(['@scope/a', '-r', 'a/b', 'a[x]', ''])('%j is no name there', (name) => {
    expect(() => requirementOf(name, undefined)).toThrow('is not the name of a package on PyPI')
  })
})

describe.skipIf(pythonTool === undefined)('a package from PyPI', { timeout: 60_000 }, () => {
  const setUpPython = async (more: object = {}, env: Record<string, string> = {}) => {
    const index = await startIndex()
    const world = await setUp({ environment: { ...(await pythonEnvironment(index.url)), ...env }, ...more })
    const printed = async (program: Program) => {
      const { running, lines } = await world.start(program)
      await running.exited
      return { lines, details: running.details }
    }
    return { ...world, index, printed }
  }

  it('is installed once and then started directly, without a network', async () => {
    const { index, printed } = await setUpPython()
    index.publish({ name: 'hello-mcp', version: '1.0.0', scripts: { 'hello-mcp': 'one', other: 'two' } })
    const first = await printed(python('hello-mcp'))
    expect(first.lines).toEqual(['one'])
    expect(first.details).toMatchObject({ package: 'hello-mcp', version: '1.0.0' })
    expect(first.details.command).toMatch(/\/venv\/bin\/python .*\/venv\/bin\/hello-mcp$/)
    index.publish({ name: 'hello-mcp', version: '2.0.0', scripts: { 'hello-mcp': 'newer' } })
    await index.close()
    expect((await printed(python('hello-mcp'))).lines).toEqual(['one'])
  })

  it('is the newest in the range that was asked for', async () => {
    const { index, printed } = await setUpPython()
    for (const version of ['1.0.0', '1.5.0', '2.0.0'])
      index.publish({ name: 'hello-mcp', version, scripts: { run: version } })
    expect((await printed(python('hello-mcp', '>=1,<2'))).lines).toEqual(['1.5.0'])
  })

  it.skipIf(pythonTool === 'uv')('is not built, which would run its code, unless scripts are allowed', async () => {
    const told = join(await scratchFolder(), 'told')
    const { start } = await setUpPython({}, { UV_STAND_IN_ARGS: told })
    for (const allowScripts of [false, true])
      await expect(start(python('no-such', undefined, allowScripts))).rejects.toThrow(
        'The package no-such does not exist on PyPI.',
      )
    const installs = (await readFile(told, 'utf8')).split('\n').filter((line) => line.startsWith('pip install'))
    expect(installs.map((line) => line.includes('--no-build'))).toEqual([true, false])
  })

  it('that has no program says so', async () => {
    const { index, start } = await setUpPython()
    index.publish({ name: 'library', version: '1.0.0', scripts: {} })
    await expect(start(python('library'))).rejects.toThrow('has no program to start')
  })

  const leftIn = async (dataFolder: string) =>
    (await readdir(join(dataFolder, 'packages'))).filter((each) => !each.startsWith('+uv'))

  it('that takes too long is given up, and half of it is never taken for one', async () => {
    const { index, start, dataFolder } = await setUpPython({ installDeadlineMs: 2_000 })
    index.fallSilent()
    await expect(start(python('hello-mcp'))).rejects.toThrow('within 2 seconds; uv was ended')
    expect(await leftIn(dataFolder)).toEqual([])
  })

  it('that nobody waits for any more is given up', async () => {
    const { index, dataFolder, runtime, launch } = await setUpPython()
    index.fallSilent()
    const abort = new AbortController()
    const start = runtime.start(launch(python('hello-mcp')), { signal: abort.signal })
    start.catch(() => {}) // looked at below
    await vi.waitFor(() => expect(index.requests).not.toEqual([]), { timeout: 30_000, interval: 20 })
    abort.abort(new Error('given up'))
    await expect(start).rejects.toThrow('given up')
    await vi.waitFor(async () => expect(await leftIn(dataFolder)).toEqual([]), eventually)
  })
})

it('a package from PyPI without uv says how to get it', async () => {
  const { start } = await setUp({ environment: { PATH: '/nowhere', HOME: '/' } })
  await expect(start(python('hello-mcp'))).rejects.toMatchObject({
    code: 'instance-start-failed',
    message: 'Packages from PyPI cannot be installed: uv was not found in PATH.',
    details: { hint: expect.stringContaining('pipx install uv') },
  })
})
