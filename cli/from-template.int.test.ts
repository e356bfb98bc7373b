// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how templates write it
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

const TEMPLATE = `
kind: template
metadata: { name: gitea }
spec:
  environment:
    - { name: GITEA_HOST, required: true, description: Address }
    - { name: GITEA_TOKEN, required: true, secret: true, description: An access token }
    - { name: FOLDER, argument: true, default: /srv }
    - { name: LEVEL }
  server:
    packageName: gitea-server
    version: 1.2.3
    args: [stdio, "--in=\${FOLDER}"]
`
const HOST = 'GITEA_HOST (Address)'
const TOKEN = 'GITEA_TOKEN (An access token)'
const CREATE = ['create', 'server', 'work', '--from-template', 'gitea']
const ENV = [
  { name: 'GITEA_HOST', value: 'https://git.example.com' },
  { name: 'GITEA_TOKEN', valueFrom: { secretRef: { name: 'work-env', key: 'GITEA_TOKEN' } } },
]

const specOf = async (target: string): Promise<Record<string, unknown>> =>
  JSON.parse((await world.run(['get', target, '-o', 'jsonpath={.spec}'])).out)
const names = async (): Promise<string> => (await world.run(['get', 'servers,secrets', '-o', 'name'])).out

describe('create server --from-template', () => {
  beforeEach(() => world.given(TEMPLATE))

  it('asks for what is missing, and keeps secrets in a secret of the server’s own', async () => {
    const answers = { [HOST]: 'https://git.example.com', [TOKEN]: 'hunter2' }
    const { out, err } = await world.run([...CREATE, '--replicas', '2', '--', '--verbose'], { terminal: true, answers })
    expect([out, err]).toEqual(['secret/work-env created\nserver/work created\n', ''])
    expect(await specOf('server/work')).toMatchObject({
      packageName: 'gitea-server',
      version: '1.2.3',
      args: ['stdio', '--in=/srv', '--verbose'],
      env: ENV,
      replicas: 2,
    })
    expect(JSON.stringify(await specOf('server/work'))).not.toContain('hunter2')
    expect(world.mcpd.store.secretValues.get('work-env')).toEqual({ GITEA_TOKEN: 'hunter2' })
    const { out: label } = await world.run(['get', 'servers', '-l', 'mcpctl/template=gitea', '-o', 'name'])
    expect(label).toBe('server/work\n')
  })

  it('asks for nothing that flags give', async () => {
    await world.run(['create', 'secret', 'mine', '--from-stdin', 'T'], { stdin: 'hunter2' })
    const flags = [
      '--env',
      'GITEA_HOST=http://x',
      '--env-from',
      'GITEA_TOKEN=mine/T',
      '--env',
      'FOLDER=/a',
      '--env',
      'MORE=1',
    ]
    expect(await world.run([...CREATE, ...flags])).toMatchObject({ code: 0, out: 'server/work created\n' })
    const { args, env } = await specOf('server/work')
    expect(args).toEqual(['stdio', '--in=/a'])
    expect(env).toEqual([
      { name: 'GITEA_HOST', value: 'http://x' },
      { name: 'MORE', value: '1' },
      { name: 'GITEA_TOKEN', valueFrom: { secretRef: { name: 'mine', key: 'T' } } },
    ])
  })

  it('names what is missing where there is no terminal', async () => {
    const { code, err } = await world.run(CREATE)
    expect(code).toBe(2)
    expect(err).toBe(
      'error: template/gitea needs GITEA_HOST, GITEA_TOKEN\n' +
        '  GITEA_HOST: a value: Address\n' +
        '  GITEA_TOKEN: a secret: An access token\n' +
        'hint: Answer on a terminal, or give --env GITEA_HOST=… --env-from GITEA_TOKEN=work-env/GITEA_TOKEN; ' +
        'make the secret first: mcpctl create secret work-env --from-stdin GITEA_TOKEN\n',
    )
    expect(await names()).toBe('')
  })

  it('takes no empty answer', async () => {
    const { code, err } = await world.run(CREATE, { terminal: true, answers: { [HOST]: 'http://x' } })
    expect([code, err]).toEqual([2, expect.stringContaining('template/gitea needs GITEA_TOKEN')])
    expect(await names()).toBe('')
  })

  it('takes no secret on the command line, and does not repeat it', async () => {
    const { code, err } = await world.run([...CREATE, '--env', 'GITEA_TOKEN=hunter2'], { terminal: true })
    expect(code).toBe(2)
    expect(err).toContain('GITEA_TOKEN is a secret')
    expect(err).toContain('--env-from GITEA_TOKEN=NAME/GITEA_TOKEN')
    expect(err).not.toContain('hunter2')
    expect(await names()).toBe('')
  })

  it('puts no secret into the arguments', async () => {
    const { code, err } = await world.run([...CREATE, '--env-from', 'FOLDER=a/b'])
    expect([code, err]).toEqual([2, expect.stringContaining('it cannot be from a secret')])
  })

  it('shows what it would create, and creates nothing, no secret either', async () => {
    for (const dryRun of ['--dry-run', '--dry-run=client']) {
      const { code, out, err } = await world.run([
        ...CREATE,
        '--env',
        'GITEA_HOST=https://git.example.com',
        dryRun,
        '-o',
        'yaml',
      ])
      expect([code, err]).toEqual([0, 'secret/work-env with GITEA_TOKEN would be created before it\n'])
      expect(out).toContain('name: work\n')
      expect(out).toContain('key: GITEA_TOKEN\n')
      expect(await names()).toBe('')
      // What was shown works as a manifest, once the secret is there.
      expect(await world.run(['apply', '-f', '-', '--dry-run=client'], { stdin: out })).toMatchObject({ code: 0 })
    }
  })

  it('cannot be tried out by mcpd while its secret is not there', async () => {
    const flags = ['--env', 'GITEA_HOST=http://x', '--dry-run=server']
    expect(await world.run([...CREATE, ...flags])).toMatchObject({ code: 2 })
    await world.run(['create', 'secret', 'mine', '--from-stdin', 'T'], { stdin: 'x' })
    const { code, out } = await world.run([...CREATE, ...flags, '--env-from', 'GITEA_TOKEN=mine/T'])
    expect([code, out]).toEqual([0, 'server/work created (server dry run)\n'])
    expect(await names()).toBe('secret/mine\n')
  })

  it('asks nobody when the server or its secret exists already', async () => {
    await world.run(['create', 'secret', 'work-env', '--from-stdin', 'GITEA_TOKEN'], { stdin: 'x' })
    const { code, err } = await world.run(CREATE, { terminal: true })
    expect([code, err]).toEqual([
      1,
      'error: secret/work-env exists already\nhint: Use what is in it: --env-from GITEA_TOKEN=work-env/GITEA_TOKEN\n',
    ])
    await world.run(['create', 'server', 'work', '--command', 'x'])
    expect((await world.run(CREATE, { terminal: true })).err).toContain('server/work exists already')
  })

  it('leaves no secret behind when the server is refused', async () => {
    const answers = { [HOST]: 'http://x', [TOKEN]: 'hunter2' }
    const { code, err } = await world.run([...CREATE, '--env-from', 'LEVEL=nowhere/L'], { terminal: true, answers })
    expect(code).toBe(1)
    expect(err).toContain('secret/nowhere')
    expect(err).toContain('secret/work-env was deleted again')
    expect(await names()).toBe('')
  })

  it('goes with servers, and not with another file', async () => {
    const secret = await world.run(['create', 'secret', 'x', '--from-template', 'gitea'])
    expect(secret).toMatchObject({ code: 2, err: expect.stringContaining('goes with servers only') })
    const both = await world.run([...CREATE, '--spec-file', 'x.yaml'])
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining('one of them, please') })
  })

  it('knows what was probably meant', async () => {
    const { err } = await world.run(['create', 'server', 'x', '--from-template', 'gitae'])
    expect(err).toContain('Did you mean "gitea"?')
  })

  it('offers the names of templates where shells complete', async () => {
    const { out } = await world.run(['completion', 'bash'])
    expect(out).toContain('--from-template) _mcpctl_names template')
  })
})

describe('a template whose file is broken', () => {
  const status = { state: 'broken', file: '/t/x.yaml', field: 'spec.server', reason: 'is missing' }

  it('is not used when it never was one', async () => {
    world.mcpd.store.put('template', 'x', { spec: {}, status })
    const { code, err } = await world.run(['create', 'server', 'a', '--from-template', 'x'])
    expect([code, err]).toEqual([
      1,
      'error: template/x cannot be used: /t/x.yaml: broken: spec.server: is missing\nhint: Mend the file, and start mcpd again\n',
    ])
  })

  it('is used as it last was, with a word about it', async () => {
    world.mcpd.store.put('template', 'x', { spec: { server: { command: 'y' } }, status })
    const { code, out, err } = await world.run(['create', 'server', 'a', '--from-template', 'x'])
    expect([code, out]).toEqual([0, 'server/a created\n'])
    expect(err).toBe('template/x is used as it last was; its file is not: /t/x.yaml: broken: spec.server: is missing\n')
  })
})
