import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engineInstalled, IMAGE, startEngine, type TestEngine } from '../adapters/docker/testing/engine.ts'
import { type System, startSystem } from './testing/system.ts'

// The built programs and a container engine of the test's own.

const SOON = { timeout: 60_000, interval: 100 }
const image = (name: string, more = {}) => ({
  kind: 'server',
  metadata: { name },
  spec: { dockerImage: IMAGE, ...more },
})
const http = {
  args: ['streamableHttp'],
  env: [{ name: 'PORT', value: '3000' }],
  transport: 'STREAMABLE_HTTP',
  containerPort: 3000,
}
const project = {
  kind: 'project',
  metadata: { name: 'demo' },
  spec: { servers: [{ name: 'stdio' }, { name: 'http' }] },
}

describe.skipIf(!engineInstalled())('servers in containers', { timeout: 180_000 }, () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startEngine()
  })
  afterAll(() => engine.remove())

  it('serve, are there once after mcpd was killed, and are gone when mcpd has ended', async () => {
    const home = await mkdtemp(join(tmpdir(), 'mcpctl-containers-'))
    let system: System | undefined
    onTestFinished(async () => {
      await system?.kill('SIGKILL')
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    })
    const start = async (): Promise<System> => {
      system = await startSystem(home, { env: { DOCKER_HOST: `unix://${engine.socket}` } })
      return system
    }
    const containers = async () => {
      const found = await engine.docker.listContainers({ all: true })
      return found.map(({ Id, Labels, State }) => ({ id: Id, server: Labels['io.mcpctl.server'], state: State }))
    }
    const serves = async (one: System) => {
      const client = await one.connect('demo')
      const call = async (server: string) => {
        const { content } = await client.callTool({ name: `${server}__echo`, arguments: { message: 'hello' } })
        return JSON.stringify(content)
      }
      for (const server of ['stdio', 'http'])
        await expect.poll(() => call(server).catch(String), SOON).toContain('Echo: hello')
      await client.close()
    }

    const first = await start()
    const manifests = [image('stdio'), image('http', http), project].map((each) => JSON.stringify(each)).join('\n---\n')
    expect((await first.mcpctl(['apply', '-f', '-'], { stdin: manifests })).stderr).toBe('')
    await serves(first)
    const before = await containers()
    expect(before.map(({ server }) => server).sort()).toEqual(['http', 'stdio'])
    expect((await first.mcpctl(['logs', 'server/stdio'])).stdout).toContain('Starting default (STDIO) server')
    expect((await first.mcpctl(['logs', 'server/http'])).stdout).toContain('listening on port 3000')

    // What speaks on stdin ends by itself, because that has ended with mcpd.
    await first.kill('SIGKILL')
    const running = async () =>
      (await containers()).flatMap(({ state, server }) => (state === 'running' ? [server] : []))
    await expect.poll(running, SOON).toEqual(['http'])

    const second = await start()
    await serves(second)
    const after = await containers()
    const idOf = (all: typeof after, server: string) => all.find((each) => each.server === server)?.id
    expect(after).toHaveLength(2)
    expect(idOf(after, 'http')).toBe(idOf(before, 'http'))
    expect(idOf(after, 'stdio')).not.toBe(idOf(before, 'stdio'))

    expect(await second.kill('SIGTERM')).toBe(0)
    expect(await containers()).toEqual([])
  })
})
