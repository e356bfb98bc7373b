import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { never } from './testing/launch.ts'
import { echo } from './testing/programs.ts'
import { setUp } from './testing/runtime.ts'

describe('a program that cannot be started', { timeout: 20_000 }, () => {
  it.each([
    ['no-such-command', 'was not found in PATH'],
    ['/no/such/command', 'does not exist'],
    ['/etc', 'may not be executed'],
    ['', 'is empty'],
    ['a\0b', 'NUL'],
  ])('says why: %j', async (command, reason) => {
    const { runtime, launch, dataFolder } = await setUp()
    const failure = runtime.start(launch({ kind: 'command', command, args: [] }), never)
    await expect(failure).rejects.toMatchObject({
      code: 'instance-start-failed',
      message: expect.stringContaining(reason),
    })
    expect(await readdir(join(dataFolder, 'run'))).toEqual([])
  })

  it('says why in its log', async () => {
    const { start, logged } = await setUp()
    await expect(start({ kind: 'command', command: 'no-such-command', args: [] })).rejects.toThrow()
    expect(await logged('mcpd')).toEqual(['The command "no-such-command" was not found in PATH.'])
  })

  it('may be started again', async () => {
    const { start } = await setUp()
    await expect(start({ kind: 'command', command: 'no-such-command', args: [] })).rejects.toThrow()
    expect((await start(echo)).running.send('x')).toBe(true)
  })

  it.each(['..', 'a/b', 'A', ''])('because %j is no name', async (instance) => {
    const { runtime, launch } = await setUp()
    await expect(runtime.start(launch(echo, { instance }), never)).rejects.toThrow('is not a name')
  })

  it('because it runs already', async () => {
    const { runtime, launch } = await setUp()
    const both = await Promise.allSettled([runtime.start(launch(echo), never), runtime.start(launch(echo), never)])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await expect(runtime.start(launch(echo), never)).rejects.toThrow('runs already')
  })

  it('because the start was given up', async () => {
    const { runtime, launch } = await setUp()
    const start = runtime.start(launch(echo), { signal: AbortSignal.abort(new Error('given up')) })
    await expect(start).rejects.toThrow('given up')
  })
})
