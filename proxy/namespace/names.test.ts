import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Namespacing } from '../../domain/mcp/link.ts'
import { exposeNames as exposed, type Offered } from './names.ts'

const offer = (server: string, ...names: string[]): Offered[] => names.map((own) => ({ server, own, wanted: own }))
const serversOf = (offered: readonly Offered[]) => [...new Set(offered.map(({ server }) => server))]
/** As if one more server were attached that offers nothing, so that none is alone. */
const exposeNames = (mode: Namespacing, offered: readonly Offered[]) =>
  exposed(mode, offered, [...serversOf(offered), 'zz'])
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
    expect(
      namesOf(exposeNames('auto', [...offer('a', 'read', 'list'), ...offer('b', 'read', 'write')])).sort(),
    ).toEqual(['a__read', 'b__read', 'list', 'write']))

  it('keeps names apart when one looks like the other with its server', () => {
    const table = exposeNames('auto', [...offer('a', 'b__read', 'read'), ...offer('b', 'read')])
    expect(table.nameOf('a', 'b__read')).toBe('a__b__read')
    expect(table.nameOf('b', 'read')).toBe('b__read')
  })

  it('gives no tool the form of another server’s, though that offers no such thing at the moment', () => {
    const offered = offer('a', 'b__read', 'b__.x', 'c__read')
    const names = namesOf(exposed('auto', offered, ['a', 'b']))
    expect(names).toEqual(['a__b__read', 'c__read', expect.stringMatching(/^a__b___x_[0-9a-f]{8}$/)])
  })

  it('knows what is shown alone with its server, too', () => {
    const { owners, aliases } = exposeNames('auto', [...offer('a', 'read', 'list'), ...offer('b', 'read')])
    expect([...owners.keys()]).toEqual(['list', 'a__read', 'b__read'])
    expect([...aliases]).toEqual([['a__list', { server: 'a', own: 'list' }]])
  })
})

describe('never', () => {
  it('gives a name that two servers offer to the one attached first, and reports the other', () => {
    const table = exposeNames('never', [...offer('a', 'read'), ...offer('b', 'read', 'write')])
    expect(namesOf(table)).toEqual(['read', 'write'])
    expect(table.hidden).toEqual([{ name: 'read', server: 'b', own: 'read', by: 'a' }])
    expect(table.nameOf('b', 'read')).toBeUndefined()
  })

  it('leaves all names of an only server as they are', () => {
    const names = ['get.user', 'x'.repeat(128), 'ünïcode']
    expect(namesOf(exposed('never', offer('a', ...names), ['a']))).toEqual(names)
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

  it('names do not depend on the order in which lists come, nor on that within them', () =>
    fc.assert(
      fc.property(mode, servers, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (m, all, random) => {
        const offered = all.flat()
        const shuffled = offered
          .map((one) => ({ one, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one)
        const attached = serversOf(offered)
        // A tool that is listed twice has but one rule: the first one's.
        const once = (many: readonly Offered[]) =>
          new Map(many.map((one) => [JSON.stringify([one.server, one.own]), one]))
        const [first] = [once(offered)]
        const same = shuffled.map((one) => first.get(JSON.stringify([one.server, one.own])) ?? one)
        const [a, b] = [[...first.values()], same].map((many) => exposed(m, many, attached))
        expect(new Map(b?.owners)).toEqual(new Map(a?.owners))
        expect(new Map(b?.aliases)).toEqual(new Map(a?.aliases))
      }),
    ))

  it('what begins with an attached server is that server’s, in auto and always', () =>
    fc.assert(
      fc.property(fc.constantFrom('auto', 'always'), servers, (m, all) => {
        const { owners, aliases } = exposeNames(m, all.flat())
        const attached = [...serversOf(all.flat()), 'zz']
        for (const [name, { server }] of [...owners, ...aliases])
          for (const other of attached) if (name.startsWith(`${other}__`)) expect(server).toBe(other)
      }),
    ))

  it('auto: a name with its server works whoever else is there, and no alias takes a name', () =>
    fc.assert(
      fc.property(servers, (all) => {
        const { owners, aliases } = exposeNames('auto', all.flat())
        for (const [alias, owner] of aliases) {
          expect(alias).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
          expect(owners.has(alias)).toBe(false)
          const others = all.flat().filter(({ server }) => server !== owner.server)
          const rest = exposeNames('auto', [...all.flat().filter(({ server }) => server === owner.server), ...others])
          expect(rest.owners.get(alias) ?? rest.aliases.get(alias)).toEqual(owner)
        }
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
