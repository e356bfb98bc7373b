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
const project = {
  kind: 'project',
  metadata: { name: 'demo' },
  spec: { servers: [{ name: 'stdio' }] },
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
      const call = async () => {
        const { content } = await client.callTool({ name: 'stdio__echo', arguments: { message: 'hello' } })
        return JSON.stringify(content)
      }
      await expect.poll(() => call().catch(String), SOON).toContain('Echo: hello')
      await client.close()
    }

    const first = await start()
    const manifests = [image('stdio'), project].map((each) => JSON.stringify(each)).join('\n---\n')
    expect((await first.mcpctl(['apply', '-f', '-'], { stdin: manifests })).stderr).toBe('')
    await serves(first)
    const before = await containers()
    expect(before).toMatchObject([{ server: 'stdio', state: 'running' }])
    expect((await first.mcpctl(['logs', 'server/stdio'])).stdout).toContain('Starting default (STDIO) server')

    // It speaks on stdin, which has ended with mcpd: it goes by itself.
    await first.kill('SIGKILL')
    const running = async () => (await containers()).filter(({ state }) => state === 'running')
    await expect.poll(running, SOON).toEqual([])

    const second = await start()
    await serves(second)
    const after = await containers()
    expect(after).toMatchObject([{ server: 'stdio', state: 'running' }])
    expect(after[0]?.id).not.toBe(before[0]?.id)

    expect(await second.kill('SIGTERM')).toBe(0)
    expect(await containers()).toEqual([])
  })
})
