import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRegistry } from '../../adapters/process/testing/registry.ts'
import { seeded } from '../testing/seeded.ts'
import type { Api } from './testing/api.ts'
import { expectTidy } from './testing/leftovers.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { openTrial } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(3)
const LATEST_MS = 3_000
const PARTS = 300

/** An MCP server that notes at every start how many of its own files it found, and of those of the package it needs. */
const program = (notes: string): string => `#!/usr/bin/env node
const { appendFileSync, readdirSync } = require('node:fs')
const { dirname, join } = require('node:path')
const count = (folder) => readdirSync(join(folder, 'parts')).length
const needed = dirname(require.resolve('needed/package.json'))
appendFileSync(${JSON.stringify(notes)}, count(__dirname) + ' ' + count(needed) + '\\n')
const capabilities = {}
const result = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'whole', version: '1' } }
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? result : {} }))
})
`

const parts = Object.fromEntries(Array.from({ length: PARTS }, (_, i) => [`parts/${i}.js`, `exports.n = ${i}\n`]))

describe(`mcpd that is killed while it installs a package (seed ${seed})`, { timeout: deadline(ROUNDS) }, () => {
  it(`never runs half of one, and installs it in the end, ${ROUNDS} times`, () =>
    inTrialFolder('packages', async (scratch) => {
      const random = seeded(`${seed}/packages`)
      const folder = join(scratch, 'data')
      const notes = join(scratch, 'notes')
      await mkdir(folder)
      const registry = await startRegistry()
      const { PATH: _own, ...npm } = registry.environment
      await registry.publish({ name: 'needed', version: '1.0.0', files: parts })
      const trial = await openTrial({ folder, random, writers: 1, env: npm })
      for (let round = 0; round < ROUNDS; round++) {
        const packageName = `whole-${round}`
        const files = { ...parts, 'cli.js': program(notes) }
        const dependencies = { needed: '^1.0.0' }
        await registry.publish({ name: packageName, version: '1.0.0', bin: 'cli.js', dependencies, files })
        await trial.create('servers', packageName, { packageName })
        await trial.killUnderLoad({ writes: 0, ms: 1 + random.int(LATEST_MS) })
        await trial.start()
        await expectRunning(trial.api(), packageName)
      }
      await expectTidy(trial.api(), folder)
      await trial.kill()
      const starts = (await readFile(notes, 'utf8')).trim().split('\n')
      expect(starts.length).toBeGreaterThanOrEqual(ROUNDS)
      expect(new Set(starts)).toEqual(new Set([`${PARTS} ${PARTS}`]))
      expect((await readdir(join(folder, 'packages'))).length).toBe(ROUNDS)
    }))
})

const expectRunning = async (api: Api, server: string): Promise<void> => {
  const phases = async () => {
    const { items } = (await api.read(`instances?server=${server}`)) as { items: { status: { phase: string } }[] }
    return items.map(({ status }) => status.phase)
  }
  await expect.poll(phases, { timeout: 60_000, interval: 100 }).toEqual(['running'])
}
