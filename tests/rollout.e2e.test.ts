import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { type System, startSystem } from './testing/system.ts'

const SERVER = fileURLToPath(new URL('./testing/programs/slow-server.js', import.meta.url))
const manifests = (command: string) =>
  [
    { kind: 'server', metadata: { name: 'slow' }, spec: { command, args: [SERVER], replicas: 2 } },
    { kind: 'project', metadata: { name: 'demo' }, spec: { servers: [{ name: 'slow' }], namespacing: 'never' } },
  ]
    .map((each) => JSON.stringify(each))
    .join('\n---\n')

const copiesOf = async (system: System): Promise<string[]> => {
  const { stdout } = await system.mcpctl(['get', 'instances', '--server', 'slow', '-o', 'json'])
  return JSON.parse(stdout).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
}

/** Clients that call all the time, until they are told to stop. */
const keepCalling = async (system: System, count: number) => {
  const clients = await Promise.all(Array.from({ length: count }, () => system.connect('demo')))
  let going = true
  let answered = 0
  const failed: unknown[] = []
  const loops = clients.map(async (client) => {
    while (going) {
      const result = await client
        .callTool({ name: 'wait', arguments: { ms: 40 } })
        .catch((error: unknown) => ({ error }))
      if (JSON.stringify(result).includes('waited')) answered++
      else failed.push(result)
    }
    await client.close()
  })
  const answeredMore = (n: number) => {
    const from = answered
    return expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(from + n)
  }
  return {
    answeredMore,
    async stop() {
      going = false
      await Promise.all(loops)
      return failed
    },
  }
}

it('rolls a server over under load without a failed call: restarted, changed for the worse, and back', {
  timeout: 120_000,
}, async () => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-rollout-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const system = await startSystem(home)
  onTestFinished(async () => void (await system.kill('SIGTERM')))
  const mcpctl = (...args: string[]) => system.mcpctl(args)
  await system.mcpctl(['apply', '-f', '-'], { stdin: manifests(process.execPath) })
  expect(await mcpctl('rollout', 'status', 'server/slow', '--timeout', '60s')).toMatchObject({ code: 0 })
  const first = await copiesOf(system)
  const calls = await keepCalling(system, 4)
  await calls.answeredMore(10)

  expect((await mcpctl('rollout', 'restart', 'server/slow')).stdout).toBe('server/slow restarted\n')
  const restarted = await mcpctl('rollout', 'status', 'slow', '--timeout', '60s')
  expect(restarted).toMatchObject({ code: 0, stderr: '' })
  expect(restarted.stdout).toContain('server/slow is rolled out: 2 of 2 copies run the present spec')
  const second = await copiesOf(system)
  expect(second).toHaveLength(2)
  expect(second.filter((name) => first.includes(name))).toEqual([])
  await calls.answeredMore(10)

  await system.mcpctl(['apply', '-f', '-'], { stdin: manifests('/no/such/program') })
  const stuck = await mcpctl('rollout', 'status', 'slow', '--timeout', '2s')
  expect(stuck.code).toBe(1)
  expect(stuck.stderr).toContain('The command "/no/such/program" does not exist')
  await calls.answeredMore(10)

  expect(await mcpctl('rollout', 'undo', 'slow')).toMatchObject({ code: 0 })
  expect(await mcpctl('rollout', 'status', 'slow', '--timeout', '60s')).toMatchObject({ code: 0 })
  expect((await copiesOf(system)).sort()).toEqual(second.sort()) // the good ones had never gone
  expect(await calls.stop()).toEqual([])
})
