import { createRequire } from 'node:module'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Program } from '../../domain/instance/runtime.ts'
import { openProcessRuntime } from './process-runtime.ts'
import { scratchFolder } from './testing/scratch.ts'

const name = '@modelcontextprotocol/server-everything'
const request = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

it.each<[string, Program]>([
  [
    'installed by somebody else',
    {
      kind: 'command',
      command: process.execPath,
      args: [createRequire(import.meta.url).resolve(`${name}/dist/index.js`), 'stdio'],
    },
  ],
  ['from the npm registry', { kind: 'package', packageName: name, args: ['stdio'], allowScripts: false }],
])('a real server %s answers initialize', { timeout: 60_000 }, async (_, program) => {
  const runtime = await openProcessRuntime({ dataFolder: await scratchFolder() })
  onTestFinished(() => runtime.close())
  const launch = { instance: 'everything', server: 'everything', env: {}, program }
  const running = await runtime.start(launch, { signal: AbortSignal.timeout(50_000) })
  const lines: string[] = []
  running.onLine((line) => lines.push(line))
  running.send(JSON.stringify(request))
  await vi.waitFor(() => expect(lines).not.toEqual([]), { timeout: 10_000 })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ id: 1, result: { capabilities: { tools: {} } } })
  await running.stop({ graceMs: 5_000 })
  expect(await running.exited).toMatchObject({ reason: 'The program was stopped.' })
})
