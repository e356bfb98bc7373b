import { describe, expect, it } from 'vitest'
import { containerName, containerOptions, type ImageLaunch } from './container-options.ts'

const launch = (
  program: Partial<ImageLaunch['program']> = {},
  more: Partial<Omit<ImageLaunch, 'program'>> = {},
): ImageLaunch => ({
  instance: 'web-1',
  server: 'web',
  env: {},
  ...more,
  program: { kind: 'image', image: 'x:1', args: [], ...program },
})
const http = { transport: 'STREAMABLE_HTTP', port: 3000, path: '/mcp', headers: {}, allowLinkLocal: false } as const

describe('how a container is made', () => {
  it('leaves the entrypoint and the command to the image unless the server has its own', () => {
    expect(containerOptions('me', launch())).not.toHaveProperty('Entrypoint')
    expect(containerOptions('me', launch())).not.toHaveProperty('Cmd')
    const own = launch({ command: 'node', args: ['a', 'b'] })
    expect(containerOptions('me', own)).toMatchObject({ Entrypoint: ['node'], Cmd: ['a', 'b'] })
  })

  it('publishes the port of an HTTP server on the loopback address only, and gives it no stdin', () => {
    const { HostConfig, OpenStdin } = containerOptions('me', launch({}, { http }))
    expect(HostConfig?.PortBindings).toEqual({ '3000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] })
    expect(OpenStdin).toBe(false)
    expect(containerOptions('me', launch()).HostConfig).not.toHaveProperty('PortBindings')
  })

  it('has no value of its environment and no password in its labels and its name', () => {
    const secret = launch(
      { credentials: { username: 'u', password: 'hunter2' } },
      { env: { TOKEN: 'hunter2' }, secrets: ['hunter2'] },
    )
    const { Env, ...others } = containerOptions('me', secret)
    expect(Env).toEqual(['TOKEN=hunter2'])
    expect(JSON.stringify(others)).not.toContain('hunter2')
    expect(containerName('me', secret)).toMatch(/^mcpctl-[0-9a-f]{8}-web-1$/)
  })

  it.each([
    ['another image', launch({ image: 'x:2' }), true],
    ['another limit', launch({}, { limits: { cpus: 1 } }), true],
    ['one variable more', launch({}, { env: { A: '1' } }), true],
    ['another secret value', launch({}, { secrets: ['x'] }), false],
  ])('has a spec label that changes as it should with %s', (_, other, changes) => {
    const labelOf = (one: ImageLaunch) => containerOptions('me', one).Labels?.['io.mcpctl.spec']
    expect(labelOf(other) !== labelOf(launch())).toBe(changes)
  })

  it('has a name that only one mcpd gives, and each session one of its own', () => {
    const one = launch()
    expect(containerName('me', one)).not.toBe(containerName('you', one))
    expect(containerName('me', { ...one, session: 's1' })).toBe(`${containerName('me', one)}.s1`)
  })
})
