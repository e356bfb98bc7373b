import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from '../adapters/http/testing/api.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import { globFlaw } from '../domain/mcp/glob.ts'
import { toYaml } from './output/yaml.ts'
import { World } from './testing/world.ts'

// The real mcpctl against a real log and real rows, with whatever a state may hold.

const world = new World()
let api: TestApi
let other: TestApi
beforeAll(async () => {
  await world.start()
  api = await startApi()
  other = await startApi()
}, 120_000)
afterAll(async () => {
  await api.close()
  await other.close()
  await world.stop()
})

const run = async (on: TestApi, argv: readonly string[], stdin = '') =>
  world.run(argv, { stdin, env: { MCPCTL_SERVER: await on.listen(), MCPCTL_TOKEN: on.token } })
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

/** Texts that YAML takes for something else, or that terminals do. */
const TRICKY = [
  ...['', ' ', '~', 'null', 'yes', 'off', 'true', '0x1F', '0o17', '1e3', '.inf', '1_000', '2026-01-01', '<<', '=', '-'],
  ...['- a', 'a: b', 'a #b', '#', '&a', '*a', '!x', '!!str', '%', '@', '`', '|', '>', '? ', "'", '"', '{}', '[a', ','],
  ...[' a', 'a ', 'a\n', '\na', 'a\n\n b', '\ta', 'a\tb', 'a\r\nb', '\r', '---', '...', '\\x1b', '\\u202e', 'a\\nb'],
  ...['\u001b[2J', '\u0007', '\u007f', '\u0085', '\u2028', '\u202e', '\ufeff', '\u{1f600}', '__proto__', 'a\u0000b'],
]
const text = (maxLength: number) =>
  fc.oneof(fc.constantFrom(...TRICKY), fc.string({ unit: 'binary', maxLength })).map((each) => each.slice(0, maxLength))
const filled = (maxLength: number) => text(maxLength).map((each) => (each === '' ? 'x' : each))
const argument = text(100).map((each) => each.replaceAll('\0', ''))
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const labels = fc.dictionary(
  fc.constantFrom('team', 'example.com/tier', 'a.b_c-d', '0', 'toString', 'null', 'yes'),
  fc.constantFrom('', 'core', '1', 'true', 'null', '0x1F', '1.0', 'a.b_c-d'),
)
const backend = fc.record({ type: fc.constantFrom('encrypted', 'plaintext'), description: optional(text(100)) })
const secret = fc.record({
  backend: optional(fc.constantFrom('default', 'b0')),
  data: fc.dictionary(fc.constantFrom('KEY', '_', 'a.b-c', 'toString', 'null', 'yes'), text(60)),
})
const server = fc.record({
  description: optional(text(100)),
  command: argument.map((each) => (each === '' ? 'x' : each)),
  args: fc.array(argument, { maxLength: 3 }),
  env: fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'toString', 'y', 'null'), value: argument }), {
    selector: ({ name }) => name,
    maxLength: 3,
  }),
  replicas: fc.integer({ min: 0, max: 32 }),
})
/** What mcpd takes as a glob. It takes no JSON with that key at all. */
const pattern = filled(30).filter((glob) => glob !== '__proto__' && globFlaw(glob) === undefined)
const renames = fc
  .uniqueArray(fc.tuple(pattern, fc.constantFrom('a', '0', 'null', '-')), {
    maxLength: 3,
    selector: ([, name]) => name,
  })
  .map((pairs) => Object.fromEntries(pairs))
const project = fc.record({
  description: optional(text(100)),
  instructions: optional(text(300)),
  namespacing: fc.constantFrom('always', 'auto', 'never'),
  tools: fc.record({
    allow: optional(fc.array(pattern, { maxLength: 3 })),
    deny: optional(fc.array(pattern, { maxLength: 3 })),
    rename: optional(renames),
    describe: optional(fc.dictionary(pattern, filled(100), { maxKeys: 2 })),
  }),
})
const state = fc.record({
  backends: fc.array(fc.tuple(labels, backend), { minLength: 1, maxLength: 2 }),
  secrets: fc.array(fc.tuple(labels, secret), { maxLength: 2 }),
  servers: fc.array(fc.tuple(labels, server), { minLength: 1, maxLength: 3 }),
  projects: fc.array(fc.tuple(labels, project), { maxLength: 2 }),
})

/** Makes a state over HTTP, referring to one another wherever it can. */
const make = async ({
  backends,
  secrets,
  servers,
  projects,
}: typeof state extends fc.Arbitrary<infer T> ? T : never) => {
  const put = async (plural: string, name: string, labels: object, spec: object) => {
    const headers = { authorization: `Bearer ${api.token}` }
    const payload = { metadata: { name, labels }, spec }
    const answer = await api.app.inject({ method: 'PUT', url: `/api/v1/${plural}/${name}`, headers, payload })
    if (answer.statusCode > 201) throw new Error(answer.body)
  }
  for (const [i, [labels, spec]] of backends.entries()) await put('secretbackends', `b${i}`, labels, spec)
  for (const [i, [labels, spec]] of secrets.entries()) await put('secrets', `s${i}`, labels, spec)
  for (const [i, [labels, spec]] of servers.entries()) {
    const [, first] = secrets[i] ?? []
    const key = Object.keys(first?.data ?? {})[0]
    const ref = key === undefined ? [] : [{ name: 'SECRET', valueFrom: { secretRef: { name: `s${i}`, key } } }]
    await put('servers', `m${i}`, labels, { ...spec, env: [...spec.env, ...ref] })
  }
  for (const [i, [labels, { tools, ...spec }]] of projects.entries())
    await put('projects', `p${i}`, labels, { ...spec, servers: servers.map((_, j) => ({ name: `m${j}`, tools })) })
}

const SEEDED = ['secretbackend/default', 'project/mcpctl-system']

/** Deletes all but what mcpd has made by itself. */
const clear = async (on: TestApi) => {
  for (const kind of ['projects', 'servers', 'secrets', 'secretbackends']) {
    const names = lines((await run(on, ['get', kind, '-o', 'name'])).out).filter((name) => !SEEDED.includes(name))
    if (names.length > 0) expect(await run(on, ['delete', ...names])).toMatchObject({ code: 0 })
  }
}

const ALL = 'secretbackends,secrets,servers,projects'
const declared = (json: string): readonly object[] =>
  (JSON.parse(json).items as Resource[]).map(({ kind, metadata, spec }) => ({
    kind,
    name: metadata.name,
    labels: metadata.labels,
    spec,
  }))

describe('any state that was exported', () => {
  it('is unchanged when it is applied, without a difference, and no secret loses its values', () =>
    fc.assert(
      fc.asyncProperty(state, async (wanted) => {
        await clear(api)
        await make(wanted)
        for (const format of ['yaml', 'json']) {
          const exported = (await run(api, ['get', ALL, '-o', format])).out
          const applied = await run(api, ['apply', '-f', '-'], exported)
          expect(applied.err).toBe('')
          expect(lines(applied.out).filter((line) => !line.endsWith(' unchanged'))).toEqual([])
          expect(await run(api, ['diff', '-f', '-'], exported)).toEqual({ code: 0, out: '', err: '' })
        }
        for (const [i, [, { data }]] of wanted.secrets.entries()) {
          const headers = { authorization: `Bearer ${api.token}` }
          const values = await api.app.inject({ url: `/api/v1/secrets/s${i}/values`, headers })
          expect(values.json().values).toEqual(data)
        }
      }),
      { numRuns: 8 },
    ))

  it('is made anew elsewhere, in whatever order it is written down', () =>
    fc.assert(
      fc.asyncProperty(state, fc.infiniteStream(fc.nat()), async (wanted, numbers) => {
        await clear(api)
        await clear(other)
        await make(wanted)
        const exported = (await run(api, ['get', ALL, '-o', 'json'])).out
        // Values are never exported: whoever makes a secret anew has to give them.
        const items = (JSON.parse(exported).items as Resource[]).map((each) =>
          each.kind === 'secret' ? { ...each, spec: { ...each.spec, data: known(each.spec.data as object) } } : each,
        )
        const shuffled = items
          .map((item) => [numbers.next().value ?? 0, item] as const)
          .sort(([a], [b]) => a - b)
          .map(([, item]) => toYaml(item))
          .join('---\n')
        const applied = await run(other, ['apply', '-f', '-'], shuffled)
        expect(applied.err).toBe('')
        expect(declared((await run(other, ['get', ALL, '-o', 'json'])).out)).toEqual(declared(exported))
      }),
      { numRuns: 8 },
    ))

  it('names the secret and the key whose value is not there to be kept', async () => {
    const { code, err } = await run(other, ['apply', '-f', '-'], 'secrets: [{ name: gone, data: { KEY: null } }]')
    expect(code).toBe(1)
    expect(err).toContain('secret/gone')
    expect(err).toContain('spec.data.KEY')
  })
})

const known = (data: object): object => Object.fromEntries(Object.keys(data).map((key) => [key, 'given']))
