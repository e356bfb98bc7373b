import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startWireServer } from './testing/wire-server.ts'

const program = fileURLToPath(new URL('./testing/exit-after-close.ts', import.meta.url))

it('leaves no handle behind: a program that closed its log ends by itself', { timeout: 30_000 }, async () => {
  const server = await startWireServer()
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', program, server.connectionString],
      { timeout: 20_000 },
    )
    expect(stdout).toBe('closed true')
  } finally {
    await server.stop()
  }
})
