import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { LinkedServer } from '../../domain/mcp/link.ts'
import { initializeResult, joinCapabilities, negotiate } from './initialize.ts'
import { instructionsOf } from './instructions.ts'

const ready = (name: string, capabilities: JsonObject, rest: JsonObject = {}): LinkedServer => ({
  name,
  state: 'ready',
  initialize: { capabilities, ...rest },
})
const away: LinkedServer = { name: 'away', state: 'unavailable', reason: 'exited' }
const project = (...servers: LinkedServer[]) => ({ name: 'demo', namespacing: 'always', servers }) as const

describe('the protocol version', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s is spoken', (version) =>
    expect(negotiate(version)).toBe(version),
  )
  it.each(['2099-01-01', '', 'latest'])('of %j is our newest', (version) =>
    expect(negotiate(version)).toBe('2025-11-25'),
  )
})

describe('capabilities', () => {
  it('of an only server are its own words, unknown ones included', () =>
    expect(joinCapabilities(project(ready('a', { tools: {}, tasks: { list: {} }, 'x/y': { z: 1 } })))).toEqual({
      tools: { listChanged: true },
      tasks: { list: {} },
      'x/y': { z: 1 },
    }))

  it('of several are joined, without those that could not be routed', () =>
    expect(
      joinCapabilities(
        project(
          ready('a', { tools: {}, resources: { subscribe: true }, tasks: {}, experimental: { a: {} } }),
          ready('b', { resources: {}, logging: {}, experimental: { b: {} } }),
        ),
      ),
    ).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      logging: {},
      experimental: { a: {}, b: {} },
    }))

  it('promise all lists while a server is away, as it may bring any', () =>
    expect(joinCapabilities(project(ready('a', { tools: {} }), away))).toEqual({
      tools: { listChanged: true },
      resources: { listChanged: true },
      prompts: { listChanged: true },
    }))

  it('promise all lists while no server is attached', () =>
    expect(Object.keys(joinCapabilities(project()))).toEqual(['tools', 'resources', 'prompts']))
})

describe('the identity', () => {
  const own = { serverInfo: { name: 'a', title: 'A', icons: [] }, instructions: 'one', _meta: { kept: true } }
  const only = project(ready('a', { tools: { listChanged: true } }, own))

  it('of a project is its own', () =>
    expect(initializeResult(only, '2025-11-25', '1')).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'mcpctl/demo', version: '1' },
      instructions: 'one',
    }))

  it('of an only server with names as they are is that of the server, at the revision agreed on', () =>
    expect(initializeResult({ ...only, namespacing: 'never', instructions: 'first' }, '2025-06-18', '1')).toEqual({
      ...own,
      protocolVersion: '2025-06-18',
      capabilities: { tools: { listChanged: true } },
      instructions: 'first\n\n## a\n\none',
    }))

  it('is the project’s own as long as the server is away', () =>
    expect(initializeResult({ ...project(away), namespacing: 'never' }, '2025-11-25', '1').serverInfo).toEqual({
      name: 'mcpctl/demo',
      version: '1',
    }))
})

describe('instructions', () => {
  it('of an only server are its own', () =>
    expect(instructionsOf(project(ready('a', {}, { instructions: ' as is ' })))).toBe(' as is '))

  it('are the project’s, then each server’s under its name', () =>
    expect(
      instructionsOf({
        ...project(ready('a', {}, { instructions: 'one' }), ready('b', {}), ready('c', {}, { instructions: 'three' })),
        instructions: 'first',
      }),
    ).toBe('first\n\n## a\n\none\n\n## c\n\nthree'))

  it('are left out when there are none', () =>
    expect(initializeResult(project(ready('a', {})), '2025-11-25', '1')).not.toHaveProperty('instructions'))

  it('say which servers are not available, and why, in a line each', () =>
    expect(
      instructionsOf(project(ready('a', {}, { instructions: 'one' }), { ...away, reason: 'ended\nlong story' })),
    ).toBe(
      [
        '## a',
        '',
        'one',
        '',
        '## Not available',
        '',
        'These servers cannot be reached at the moment; what they offer appears in the lists when they can:',
        '- away: ended long story',
      ].join('\n'),
    ))

  it('of several servers are bounded, each and together; an only server’s are its own', () => {
    const long = (name: string) => ready(name, {}, { instructions: `${name}${'😀'.repeat(10_000)}` })
    const one = instructionsOf(project(long('a'), ready('b', {}, { instructions: 'short' })))
    expect(one).toMatch(/^## a\n\na(😀)+\n… \(12002 more characters are left out\)\n\n## b\n\nshort$/u)
    const many = instructionsOf(project(...Array.from({ length: 100 }, (_, i) => long(`s${i}`))))
    expect(many.length).toBeLessThan(75_000)
    expect(many).toContain('## s99')
    expect(instructionsOf(project(long('a')))).toHaveLength(20_001)
  })
})
