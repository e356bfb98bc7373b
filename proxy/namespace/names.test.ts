import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exposeNames, type Offered } from './names.ts'

const offer = (server: string, ...names: string[]): Offered[] => names.map((own) => ({ server, own, wanted: own }))
const namesOf = (table: ReturnType<typeof exposeNames>) => [...table.owners.keys()]

describe('always', () => {
  it('puts the server before every name', () =>
    expect(namesOf(exposeNames('always', [...offer('a', 'read'), ...offer('b', 'read', 'write')]))).toEqual([
      'a__read',
      'b__read',
      'b__write',
    ]))

  it('replaces foreign characters and adds a hash that tells such names apart', () => {
    const [dotted, slashed] = namesOf(exposeNames('always', offer('a', 'get.user', 'get/user')))
    expect(dotted).toMatch(/^a__get_user_[0-9a-f]{8}$/)
    expect(slashed).toMatch(/^a__get_user_[0-9a-f]{8}$/)
    expect(dotted).not.toBe(slashed)
  })

  it('shortens a long name to 64 characters that end in a hash', () => {
    const [name] = namesOf(exposeNames('always', offer('server', 'x'.repeat(100))))
    expect(name).toMatch(/^server__x{47}_[0-9a-f]{8}$/)
    expect(name).toHaveLength(64)
  })

  it('leaves a name to the tool that has it when another is renamed to it', () => {
    const table = exposeNames('always', [
      { server: 'a', own: 'old', wanted: 'new' },
      { server: 'a', own: 'new', wanted: 'new' },
    ])
    expect(table.nameOf('a', 'new')).toBe('a__new')
    expect(table.nameOf('a', 'old')).toMatch(/^a__new_[0-9a-f]{8}$/)
  })
})

describe('auto', () => {
  it('puts the server before names that two servers offer, and only those', () =>
    expect(namesOf(exposeNames('auto', [...offer('a', 'read', 'list'), ...offer('b', 'read', 'write')]))).toEqual([
      'a__read',
      'list',
      'b__read',
      'write',
    ]))

  it('keeps names apart when one looks like the other with its server', () => {
    const table = exposeNames('auto', [...offer('a', 'b__read', 'read'), ...offer('b', 'read')])
    expect(table.nameOf('a', 'b__read')).toBe('b__read')
    expect(table.nameOf('b', 'read')).toMatch(/^b__read_[0-9a-f]{8}$/)
  })
})

describe('never', () => {
  it('gives a name that two servers offer to the one attached first, and reports the other', () => {
    const table = exposeNames('never', [...offer('a', 'read'), ...offer('b', 'read', 'write')])
    expect(namesOf(table)).toEqual(['read', 'write'])
    expect(table.hidden).toEqual([{ name: 'read', server: 'b', by: 'a' }])
    expect(table.nameOf('b', 'read')).toBeUndefined()
  })

  it('leaves all names of an only server as they are', () => {
    const names = ['get.user', 'x'.repeat(128), 'ünïcode']
    expect(namesOf(exposeNames('never', offer('a', ...names), true))).toEqual(names)
  })
})

const toolName = fc.oneof(
  fc.constantFrom('read', 'write', 'a__read', 'b__a__read', 'get.user', 'get/user', '__proto__', 'constructor', ''),
  fc.string({ unit: 'binary', maxLength: 150 }),
  fc.stringMatching(/^[a-zA-Z0-9_-]{1,70}$/),
)
const serverName = fc.oneof(fc.constantFrom('a', 'b', 'a-b'), fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/))
const servers = fc
  .uniqueArray(
    fc.record({ server: serverName, tools: fc.array(fc.tuple(toolName, fc.option(toolName)), { maxLength: 12 }) }),
    {
      selector: ({ server }) => server,
      maxLength: 6,
    },
  )
  .map((all) =>
    all.map(({ server, tools }) => tools.map(([own, renamed]): Offered => ({ server, own, wanted: renamed ?? own }))),
  )
const mode = fc.constantFrom('always', 'auto', 'never') satisfies fc.Arbitrary<string>

describe('for any servers and tools', () => {
  it('names are within what every model provider takes', () =>
    fc.assert(
      fc.property(mode, servers, (m, all) => {
        for (const name of namesOf(exposeNames(m, all.flat()))) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
      }),
    ))

  it('every name leads to one tool, and back', () =>
    fc.assert(
      fc.property(mode, servers, (m, all) => {
        const table = exposeNames(m, all.flat())
        for (const [name, { server, own }] of table.owners) expect(table.nameOf(server, own)).toBe(name)
        const tools = new Set(all.flat().map(({ server, own }) => JSON.stringify([server, own])))
        expect(table.owners.size + table.hidden.length).toBeGreaterThanOrEqual(tools.size)
        if (m !== 'never') expect(table.owners.size).toBe(tools.size)
      }),
    ))

  it('the same input gives the same names', () =>
    fc.assert(
      fc.property(mode, servers, (m, all) => {
        expect([...exposeNames(m, all.flat()).owners]).toEqual([...exposeNames(m, all.flat()).owners])
      }),
    ))

  it('always: a server’s names stay when others come and go', () =>
    fc.assert(
      fc.property(servers, (all) => {
        const together = exposeNames('always', all.flat())
        for (const one of all) {
          const alone = exposeNames('always', one)
          for (const { server, own } of one) expect(together.nameOf(server, own)).toBe(alone.nameOf(server, own))
        }
      }),
    ))

  it('never: what the server attached first offers is never hidden', () =>
    fc.assert(
      fc.property(servers, (all) => {
        const table = exposeNames('never', all.flat())
        for (const { server, own } of all[0] ?? []) expect(table.nameOf(server, own)).toBeDefined()
      }),
    ))
})
