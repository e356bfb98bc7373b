import { describe, expect, it } from 'vitest'
import { schemaFlaws } from '../kernel/schema-flaws.ts'
import { serverSpec, sourceOf } from './resource.ts'

const flaws = (spec: object): readonly string[] => {
  const { error } = serverSpec.safeParse(spec)
  return (error?.issues ?? []).flatMap(schemaFlaws).map(({ path, message }) => `${path} ${message}`)
}
const NOTHING_TO_RUN = 'packageName needs one of packageName, dockerImage and command'

describe("a server's spec", () => {
  it('says what to run in exactly one way', () => {
    expect(flaws({})).toEqual([NOTHING_TO_RUN])
    expect(flaws({ packageName: 'a', command: 'b' })).toEqual([NOTHING_TO_RUN])
    expect(flaws({ packageName: 'a', dockerImage: 'b' })).toEqual([NOTHING_TO_RUN])
    for (const spec of [{ packageName: 'a' }, { command: 'b' }, { dockerImage: 'c:1' }]) expect(flaws(spec)).toEqual([])
  })

  it('takes a command for a container beside its image', () =>
    expect(flaws({ dockerImage: 'ghcr.io/a/b@sha256:ab', command: '/bin/b', args: ['stdio'] })).toEqual([]))

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
      intervalSeconds: 60,
      timeoutSeconds: 10,
      failureThreshold: 3,
    }))
})

it('what a server runs is shown in a word', () => {
  expect(sourceOf({ packageName: 'a', version: '1.0.0' })).toBe('a@1.0.0')
  expect(sourceOf({ dockerImage: 'a:1', command: 'b' })).toBe('a:1')
  expect(sourceOf({ command: 'b' })).toBe('b')
})
