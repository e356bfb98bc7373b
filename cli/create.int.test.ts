import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ageColumn, nameColumn } from '../domain/kernel/columns.ts'
import { defineKind } from '../domain/kernel/kind.ts'
import { World } from './testing/world.ts'

/** A kind that no file of mcpctl knows. */
const team = defineKind({
  kind: 'team',
  plural: 'teams',
  shortNames: ['tm'],
  eventPrefix: 'Team',
  summary: 'A group of people',
  spec: z.strictObject({
    members: z.array(z.string()).default([]),
    size: z.int().optional(),
    openToAll: z.boolean().default(false),
    mood: z.enum(['calm', 'busy']).default('calm'),
    rooms: z.record(z.string(), z.string()).default({}),
    lead: z.strictObject({ name: z.string() }).optional(),
  }),
  columns: [nameColumn, ageColumn],
  example: { members: ['ada'] },
})

let world = new World()
beforeEach(async () => {
  world = new World([team])
  await world.start()
})
afterEach(() => world.stop())

const specOf = async (target: string): Promise<unknown> =>
  JSON.parse((await world.run(['get', target, '-o', 'jsonpath={.spec}'])).out)

describe('create of a kind that is only defined', () => {
  it('has flags from its schema', async () => {
    const flags = [
      '--member',
      'ada',
      '--member',
      'bob',
      '--size',
      '2',
      '--open-to-all',
      '--mood=busy',
      '--room',
      'lab=1=2',
    ]
    const { out } = await world.run(['create', 'team', 'core', ...flags, '--set', 'lead.name=ada', '--label', 'a=b'])
    expect(out).toBe('team/core created\n')
    expect(await specOf('team/core')).toEqual({
      members: ['ada', 'bob'],
      size: 2,
      openToAll: true,
      mood: 'busy',
      rooms: { lab: '1=2' },
      lead: { name: 'ada' },
    })
  })

  it('is in get, describe, apply, explain, help and completion as well', async () => {
    await world.given('teams: [{ name: core, labels: { a: b }, members: [ada] }]')
    expect((await world.run(['get', 'tm'])).out).toBe('NAME   AGE\ncore   60m\n')
    expect((await world.run(['describe', 'team', 'core'])).out).toContain('members:\n    - ada\n')
    expect((await world.run(['explain', 'team'])).out).toContain('mood <calm | busy> (default "calm")')
    expect((await world.run(['create', 'team', '--help'])).out).toContain('--open-to-all')
    expect((await world.run(['completion', 'bash'])).out).toContain('team teams tm')
  })

  it('takes the spec from a file, with flags on top', async () => {
    const file = await world.file('spec.yaml', 'members: [ada]\nsize: 1\n')
    await world.run(['create', 'team', 'x', '--spec-file', file, '--size', '5'])
    expect(await specOf('team/x')).toMatchObject({ members: ['ada'], size: 5 })
  })

  it.each([
    [['--mood', 'angry'], '--mood cannot be "angry"'],
    [['--size', 'big'], '--size must be a number'],
    [['--set', 'sise=1'], 'spec.sise: there is no such field'],
    [['--set', '__proto__.x=1'], 'is no path of a field'],
    [['--label', 'x'], '--label wants KEY=VALUE'],
  ])('refuses %j before anything is sent', async (flags, message) => {
    const { code, err } = await world.run(['create', 'team', 'x', ...flags])
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(world.mcpd.requests).toEqual([])
  })
})

describe('create server', () => {
  it('takes a package and an environment from values and secrets', async () => {
    await world.given('secrets: [{ name: gh, data: { token: t } }]')
    const flags = [
      '--package',
      'some-server',
      '--env',
      'A=b=c',
      '--env-from',
      'TOKEN=gh/token',
      '--arg=--verbose',
      '--replicas',
      '2',
    ]
    expect((await world.run(['create', 'server', 'x', ...flags])).out).toBe('server/x created\n')
    expect(await specOf('server/x')).toMatchObject({
      packageName: 'some-server',
      args: ['--verbose'],
      replicas: 2,
      env: [
        { name: 'A', value: 'b=c' },
        { name: 'TOKEN', valueFrom: { secretRef: { name: 'gh', key: 'token' } } },
      ],
    })
  })

  it('takes the arguments of a program after --', async () => {
    await world.run(['create', 'server', 'x', '--command', 'node', '--', 'server.js', '-v', '--help'])
    expect(await specOf('server/x')).toMatchObject({ command: 'node', args: ['server.js', '-v', '--help'] })
  })

  it('says what exists already, and that one is not overwritten', async () => {
    await world.run(['create', 'server', 'x', '--command', 'y'])
    const { code, err } = await world.run(['create', 'server', 'x', '--command', 'z'])
    expect([code, err]).toEqual([1, expect.stringContaining('server/x exists already')])
  })

  it('prints a manifest that apply takes with --dry-run=client -o yaml', async () => {
    const { out } = await world.run(['create', 'server', 'x', '--command', 'y', '--dry-run=client', '-o', 'yaml'])
    expect(world.mcpd.requests).toEqual([])
    expect((await world.run(['apply', '-f', '-'], { stdin: out })).out).toBe('server/x created\n')
  })

  it('refuses what the schema refuses', async () => {
    const { code, err } = await world.run(['create', 'server', 'x'])
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('spec.packageName: needs one of packageName, dockerImage, command and externalUrl'),
    ])
  })
})

describe('create project and secretbackend', () => {
  it('attaches servers by name', async () => {
    await world.given('servers: [{ name: a, command: x }, { name: b, command: x }]')
    await world.run(['create', 'project', 'demo', '--server', 'a', '--server', 'b'])
    expect(await specOf('project/demo')).toMatchObject({ servers: [{ name: 'a' }, { name: 'b' }] })
  })

  it('makes a backend the default', async () => {
    const { out } = await world.run(['create', 'secretbackend', 'vault', '--type', 'encrypted', '--default'])
    expect(out).toBe('secretbackend/vault created\nsecretbackend/vault is the default\n')
    expect(world.mcpd.requests.at(-1)?.path).toBe('/api/v1/secretbackends/vault/default')
  })
})

describe('create secret', () => {
  it('takes values from stdin, files and a prompt; one newline at the end goes', async () => {
    const file = await world.file('value', 'from a file\n\n')
    const argv = ['create', 'secret', 's', '--from-stdin', 'A', '--from-file', `B=${file}`, '--prompt', 'C']
    const around = { stdin: 'from stdin\r\n', terminal: true, answers: { 'Value of C': 'from a prompt' } }
    const { out, err } = await world.run(argv, around)
    expect(world.mcpd.store.secretValues.get('s')).toEqual({ A: 'from stdin', B: 'from a file\n', C: 'from a prompt' })
    expect(out + err).toBe('secret/s created\n')
  })

  it('warns of values on the command line', async () => {
    const { err } = await world.run(['create', 'secret', 's', '--from-literal', 'A=b'])
    expect(err).toBe(
      'warning: a value on the command line stands in the process list and in the history of your shell\n',
    )
  })

  it('never repeats a value in an error', async () => {
    for (const flags of [
      ['--from-literal', 'geheim'],
      ['--from-literal', '1x=geheim'],
      ['--from-stdin', '1x'],
    ]) {
      const { code, out, err } = await world.run(['create', 'secret', 's', ...flags], { stdin: 'geheim' })
      expect([code, out + err]).toEqual([2, expect.not.stringContaining('geheim')])
    }
  })

  it('says where a value can come from when there is none, or no terminal to ask on', async () => {
    expect((await world.run(['create', 'secret', 's'])).err).toContain('--from-stdin KEY')
    expect((await world.run(['create', 'secret', 's', '--prompt', 'K'])).err).toContain('there is no terminal')
  })

  it('shows no value in a manifest', async () => {
    const argv = ['create', 'secret', 's', '--from-stdin', 'K', '--dry-run=client', '-o', 'yaml']
    expect((await world.run(argv, { stdin: 'geheim' })).out).toContain('K: null')
  })
})
