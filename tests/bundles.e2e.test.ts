import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeMcpd, TOKEN } from '../cli/testing/fake-mcpd.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'
import { MCPCTL } from './testing/system.ts'

/** Says on stderr which bundles V8 took the kept code of, and of which it did not. */
const REPORTER = `
const vm = require('node:vm')
const Script = vm.Script
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options)
    const name = require('node:path').basename(options.filename)
    process.on('exit', () => process.stderr.write(name + (this.cachedDataRejected ? ' compiled' : ' taken') + '\\n'))
  }
}`

describe('mcpctl as it is built', () => {
  const mcpd = new FakeMcpd(createRegistry(kinds))
  let home = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mcpctl-bundles-'))
    await writeFile(join(home, 'reporter.cjs'), REPORTER)
    await mcpd.start()
  })
  afterAll(async () => {
    await mcpd.stop()
    await rm(home, { recursive: true, force: true })
  })

  const run = (nodeFlags: readonly string[], ...line: string[]) =>
    promisify(execFile)(process.execPath, [...nodeFlags, '--require', join(home, 'reporter.cjs'), MCPCTL, ...line], {
      env: {
        PATH: process.env.PATH ?? '',
        MCPCTL_HOME: home,
        MCPCTL_SERVER: mcpd.url,
        MCPCTL_MCPLOCAL: 'http://127.0.0.1:1',
        MCPCTL_TOKEN: TOKEN,
      },
    })

  it('runs the code that V8 compiled when it was built', async () => {
    const { stdout, stderr } = await run([], 'get', 'servers', '-o', 'yaml')
    expect(stdout).toContain('items: []')
    expect(stderr.trim().split('\n').sort()).toEqual(['mcpctl.js taken', 'yaml.js taken', 'zod.js taken'])
  })

  it('loads no more than it needs to say its version', async () => {
    expect((await run([], 'version')).stderr).toBe('mcpctl.js taken\n')
  })

  it('finds the libraries that stay outside its bundles', async () => {
    const help = await run([], 'get', '--help')
    expect([help.stdout.includes('--selector'), help.stderr]).toEqual([true, 'mcpctl.js taken\n'])
    expect((await run([], 'get', 'servers', '-o', 'jsonpath={.kind}')).stdout).toBe('List')
    await expect(run([], 'call', 'demo', 'echo')).rejects.toThrow('mcplocal does not answer')
  })

  it('compiles anew where V8 is not as it was then', async () => {
    const { stdout, stderr } = await run(['--no-opt'], 'get', 'servers', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject({ items: [] })
    expect(stderr).toContain('mcpctl.js compiled')
  })
})
