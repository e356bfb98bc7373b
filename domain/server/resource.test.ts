import { describe, expect, it } from 'vitest'
import { schemaFlaws } from '../kernel/schema-flaws.ts'
import { isDedicated, secretRefs, serverSpec, sourceOf } from './resource.ts'

const flaws = (spec: object): readonly string[] => {
  const { error } = serverSpec.safeParse(spec)
  return (error?.issues ?? []).flatMap(schemaFlaws).map(({ path, message }) => `${path} ${message}`)
}
const NOTHING_TO_RUN = 'packageName needs one of packageName, dockerImage, command and externalUrl'

describe("a server's spec", () => {
  it('says what to run in exactly one way', () => {
    expect(flaws({})).toEqual([NOTHING_TO_RUN])
    expect(flaws({ packageName: 'a', command: 'b' })).toEqual([NOTHING_TO_RUN])
    expect(flaws({ packageName: 'a', dockerImage: 'b' })).toEqual([NOTHING_TO_RUN])
    for (const spec of [{ packageName: 'a' }, { command: 'b' }, { dockerImage: 'c:1' }]) expect(flaws(spec)).toEqual([])
  })

  it('takes a command for a container beside its image', () =>
    expect(flaws({ dockerImage: 'ghcr.io/a/b@sha256:ab', command: '/bin/b', args: ['stdio'] })).toEqual([]))

  it('is somewhere else, at a URL that holds no password, and then speaks HTTP', () => {
    const http = { transport: 'STREAMABLE_HTTP' }
    expect(flaws({ ...http, externalUrl: 'https://mcp.example.com/mcp' })).toEqual([])
    expect(flaws({ externalUrl: 'https://mcp.example.com/mcp' })).toEqual([
      expect.stringContaining('transport must be'),
    ])
    for (const externalUrl of ['ftp://a/b', 'file:///etc/passwd', 'https://me:secret@mcp.example.com/'])
      expect(flaws({ ...http, externalUrl })).toEqual([expect.stringContaining('externalUrl must')])
    expect(flaws({ ...http, externalUrl: 'https://a.example.com/', replicas: 2 })).toEqual([
      expect.stringContaining('replicas must be 0 or 1'),
    ])
  })

  it('has an endpoint at a port where it serves HTTP here, and only there', () => {
    expect(flaws({ command: 'x', transport: 'SSE', containerPort: 8080, path: '/events' })).toEqual([])
    expect(flaws({ command: 'x', transport: 'SSE' })).toEqual([expect.stringContaining('containerPort is needed')])
    expect(flaws({ command: 'x', containerPort: 8080 })).toEqual([expect.stringContaining('containerPort goes with')])
    expect(flaws({ command: 'x', headers: [{ name: 'A', value: 'b' }] })).toEqual([
      expect.stringContaining('headers go with'),
    ])
  })

  it('has headers of one line that the transport does not set itself', () => {
    const at = (header: object) => flaws({ externalUrl: 'https://a.example.com', transport: 'SSE', headers: [header] })
    expect(at({ name: 'Authorization', valueFrom: { secretRef: { name: 'a', key: 'TOKEN' } } })).toEqual([])
    expect(at({ name: 'Mcp-Session-Id', value: 'x' })).toEqual([expect.stringContaining('set by the transport')])
    expect(at({ name: 'A B', value: 'x' })).toEqual([expect.stringContaining('name of an HTTP header')])
    expect(at({ name: 'A', value: 'x\r\nB: y' })).toEqual([expect.stringContaining('one line')])
    expect(at({ name: 'A' })).toEqual([expect.stringContaining('needs either value or valueFrom')])
  })

  it('gives each client a session of its own over HTTP, and not over STDIO, unless it says so', () => {
    expect(isDedicated({ sessions: undefined, transport: 'STDIO' })).toBe(false)
    expect(isDedicated({ sessions: undefined, transport: 'SSE' })).toBe(true)
    expect(isDedicated({ sessions: 'dedicated', transport: 'STDIO' })).toBe(true)
    expect(isDedicated({ sessions: 'shared', transport: 'STREAMABLE_HTTP' })).toBe(false)
  })

  it('refers to the secrets of its environment, its headers and its image', () => {
    const from = (name: string) => ({ valueFrom: { secretRef: { name, key: 'K' } } })
    const spec = {
      dockerImage: 'a:1',
      imagePullSecret: 'registry',
      transport: 'SSE',
      containerPort: 80,
      env: [{ name: 'E', ...from('env') }],
      headers: [{ name: 'H', ...from('header') }],
    }
    expect(secretRefs(serverSpec.parse(spec)).map(({ name }) => name)).toEqual(['env', 'header', 'registry'])
  })

  it('takes no flag of an engine for an image', () =>
    expect(flaws({ dockerImage: '--privileged' })).toEqual([expect.stringContaining('dockerImage must be an image')]))

  it('says where a package is from, and only where there is one', () => {
    expect(flaws({ packageName: 'mcp-atlassian', runtime: 'python' })).toEqual([])
    expect(flaws({ command: 'x', runtime: 'python' })).toEqual(['runtime goes with packageName only'])
  })

  it('has a health check with defaults', () =>
    expect(serverSpec.parse({ command: 'x', healthCheck: { tool: 'ping' } }).healthCheck).toEqual({
      tool: 'ping',
      arguments: {},
      intervalSeconds: 30,
      timeoutSeconds: 10,
      failureThreshold: 3,
    }))
})

it('what a server runs is shown in a word', () => {
  expect(sourceOf({ packageName: 'a', version: '1.0.0' })).toBe('a@1.0.0')
  expect(sourceOf({ dockerImage: 'a:1', command: 'b' })).toBe('a:1')
  expect(sourceOf({ command: 'b' })).toBe('b')
})
