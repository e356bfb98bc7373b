import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesTemplate } from './uri-template.ts'
import { exposeUris, ownerOfUri } from './uris.ts'

describe('URIs', () => {
  const table = exposeUris([
    { server: 'a', own: 'x://1' },
    { server: 'b', own: 'x://1' },
    { server: 'b', own: 'x://2' },
  ])

  it('stay as they are where only one server has them', () => expect(table.uriOf('b', 'x://2')).toBe('x://2'))

  it('of two servers: the first keeps it, the later’s gets the server before it', () =>
    expect([table.uriOf('a', 'x://1'), table.uriOf('b', 'x://1')]).toEqual(['x://1', 'b+x://1']))

  it('are unique whatever servers list', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ server: fc.constantFrom('a', 'b'), own: fc.constantFrom('u', 'b+u', 'a+u', 'b+b+u') })),
        (offered) => {
          const exposed = exposeUris(offered)
          for (const { server, own } of offered)
            expect(exposed.owners.get(exposed.uriOf(server, own) ?? '')).toEqual({ server, own })
        },
      ),
    ))
})

describe('the owner of a URI', () => {
  const none = exposeUris([])
  const templates = exposeUris([
    { server: 'a', own: 'file:///{path}' },
    { server: 'b', own: 'file:///logs/{name}' },
    { server: 'b', own: 'file:///{path}' },
  ])
  const servers = ['a', 'b', 'git']
  const owner = (uri: string) => ownerOfUri(uri, none, templates, servers)

  it('is who lists it, before any template', () => {
    const resources = exposeUris([{ server: 'b', own: 'file:///x' }])
    expect(ownerOfUri('file:///x', resources, templates, servers)).toEqual({ server: 'b', own: 'file:///x' })
  })

  it('is who has the most specific template that fits', () =>
    expect([owner('file:///x'), owner('file:///logs/y')]).toEqual([
      { server: 'a', own: 'file:///x' },
      { server: 'b', own: 'file:///logs/y' },
    ]))

  it('is the later server for a URI made from its prefixed template', () =>
    expect(owner('b+file:///x')).toEqual({ server: 'b', own: 'file:///x' }))

  it('is the server before the plus, if there is one of that name', () =>
    expect([owner('git+ssh://host'), owner('svn+ssh://host'), owner('nothing')]).toEqual([
      { server: 'git', own: 'ssh://host' },
      undefined,
      undefined,
    ]))
})

describe('a template', () => {
  it.each([
    ['x://{a}', 'x://1', true],
    ['x://{a}/tail', 'x://1/tail', true],
    ['x://{a}/tail', 'x://1/other', false],
    ['x://{a}/{b}/c', 'x://1/2/c', true],
    ['x://a{?q}', 'x://a', true],
    ['x://a', 'x://a', true],
    ['x://a', 'x://ab', false],
    ['x://{a}-{b}', 'x://1', false],
    ['aa{x}aa', 'aaa', false],
  ])('%s and %s: %s', (template, uri, fits) => expect(matchesTemplate(template, uri)).toBe(fits))

  it('fits what it is expanded to', () =>
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z:/.]{0,6}$/), { minLength: 1, maxLength: 5 }),
        fc.array(fc.string(), { minLength: 5, maxLength: 5 }),
        (parts, values) => {
          const template = parts.join('{v}')
          const uri = parts.map((part, i) => (i === 0 ? part : `${values[i - 1]}${part}`)).join('')
          expect(matchesTemplate(template, uri)).toBe(true)
        },
      ),
    ))
})
