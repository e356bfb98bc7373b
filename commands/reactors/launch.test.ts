import { describe, expect, it } from 'vitest'
import { serverSpec } from '../../domain/server/resource.ts'
import { launchOf } from './launch.ts'

const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  registry: { username: 'robot', password: 'hunter2' },
  api: { TOKEN: 'sesame', CUT: 'two\nlines' },
}
const launch = (spec: object) =>
  launchOf('s-1', { name: 's', spec: serverSpec.parse(spec) }, async (name) => values[name])
const secret = (name: string, key: string) => ({ valueFrom: { secretRef: { name, key } } })

describe('what one copy of a server is started with', () => {
  it('is no more than its program where nothing else is said', async () => {
    expect(await launch({ command: 'node', args: ['x.js'] })).toEqual({
      instance: 's-1',
      server: 's',
      program: { kind: 'command', command: 'node', args: ['x.js'] },
      env: {},
      secrets: [],
    })
  })

  it('is a URL with headers from secrets, whose values are known as such', async () => {
    const headers = [
      { name: 'X-Team', value: 'a' },
      { name: 'Authorization', ...secret('api', 'TOKEN') },
    ]
    expect(await launch({ externalUrl: 'https://mcp.example.com/mcp', transport: 'STREAMABLE_HTTP', headers })).toEqual(
      {
        instance: 's-1',
        server: 's',
        program: { kind: 'external', url: 'https://mcp.example.com/mcp' },
        env: {},
        secrets: ['sesame'],
        http: {
          transport: 'STREAMABLE_HTTP',
          headers: { 'X-Team': 'a', Authorization: 'sesame' },
          allowLinkLocal: false,
        },
        dedicated: { maxSessions: 100, minIdle: 0, idleTimeoutMs: 600_000 },
      },
    )
  })

  it('is an image with the credentials of its registry, limits and the place of its endpoint', async () => {
    const spec = {
      dockerImage: 'example.com/a/b:1',
      imagePullSecret: 'registry',
      transport: 'SSE',
      containerPort: 8080,
      sessions: 'shared',
      resources: { limits: { memory: '1Mi', cpu: '500m' } },
    }
    expect(await launch(spec)).toMatchObject({
      program: { kind: 'image', image: 'example.com/a/b:1', credentials: { username: 'robot', password: 'hunter2' } },
      secrets: ['hunter2'],
      limits: { memoryBytes: 1024 * 1024, cpus: 0.5 },
      http: { transport: 'SSE', port: 8080, path: '/sse' },
    })
    expect(await launch(spec)).not.toHaveProperty('dedicated')
  })

  it('is refused when a header would have a line break', async () => {
    const headers = [{ name: 'Authorization', ...secret('api', 'CUT') }]
    const spec = { externalUrl: 'https://mcp.example.com/mcp', transport: 'STREAMABLE_HTTP', headers }
    await expect(launch(spec)).rejects.toMatchObject({
      code: 'env-unresolved',
      message: 'header Authorization: key CUT of secret/api holds a line break or a NUL character',
    })
  })

  it('is refused when the secret of a registry has no password', async () => {
    await expect(launch({ dockerImage: 'a:1', imagePullSecret: 'api' })).rejects.toMatchObject({
      code: 'env-unresolved',
      message: 'env username: secret/api has no key username',
    })
  })
})
