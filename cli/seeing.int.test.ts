import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

describe('describe', () => {
  it('shows a resource in full, with its last events', async () => {
    await world.given('servers: [{ name: a, labels: { team: core }, command: x, args: [--port, "80"] }]')
    await world.given('servers: [{ name: a, labels: { team: core }, command: y }]')
    const { out } = await world.run(['describe', 'server', 'a', '--events', '1'])
    expect(out).toBe(`Name:       a
Kind:       server
Labels:
  team:       core
Revision:   1
Uid:        uid-1
Created:    2026-01-01T00:00:00.000Z by User:ada
Updated:    2026-01-01T00:00:00.000Z by User:ada
Spec:
  command:      y
  args:         <none>
  transport:    STDIO
  replicas:     1
  allowScripts: false
Environment: <none>
Limits:     none
Sessions:   shared: one connection serves all clients
Probes:     tools/list every 30 s, 10 s for an answer; unhealthy after 3 failures
Status:
  ready:      0/1
  status:     Starting
Conditions:
  TYPE      STATUS   REASON
  Running   False    0 of 1 copy running
  Ready     False    0 of 1 copy ready
  Healthy   False    0 of 1 copy healthy
Instances:  <none>
Events:
  REVISION   AGE   TYPE             BY         DETAIL
  1          60m   ServerDeclared   User:ada   -
`)
  })

  it('masks the values of a secret unless they are asked for', async () => {
    await world.given('secrets: [{ name: s, data: { K: geheim } }]')
    const masked = await world.run(['describe', 'secret', 's'])
    expect(masked.out).toContain('K:          ********\n')
    expect(masked.out).not.toContain('geheim')
    expect((await world.run(['describe', 'secret', 's', '--show-values'])).out).toContain('K:          geheim\n')
  })
})

describe('describe of servers and instances', () => {
  const given = () =>
    world.given(`
      secrets: [{ name: github, data: { TOKEN: x } }]
      servers:
        - name: a
          externalUrl: https://mcp.example/mcp
          transport: STREAMABLE_HTTP
          env:
            - { name: API_KEY, valueFrom: { secretRef: { name: github, key: TOKEN } } }
            - { name: LEVEL, value: hunter2 }
            - { name: NOTHING, value: "" }
          headers:
            - { name: Authorization, valueFrom: { secretRef: { name: github, key: TOKEN } } }
            - { name: X-Team, value: hunter3 }
          resources: { limits: { memory: 512Mi, cpu: 500m } }
          healthCheck: { tool: ping, restartAfter: 5 }`)
  const crashed = {
    spec: { server: 'a', serverUid: 'u', specHash: 'h' },
    status: {
      phase: 'error',
      crashed: true,
      attemptCount: 3,
      restarts: 4,
      lastAttemptAt: '2026-01-01T00:59:00.000Z',
      nextRetryAt: '2026-01-01T01:00:30.000Z',
      error: 'The program ended by itself with exit code 1. Its last lines on stderr:\nno licence',
      lastEnd: { at: '2026-01-01T00:57:00.000Z', reason: 'it ended', code: 1 },
    },
  }

  it('say where variables and headers come from, and no value', async () => {
    await given()
    world.mcpd.store.put('instance', 'a-1', crashed)
    for (const target of ['server/a', 'instance/a-1']) {
      const { out } = await world.run(['describe', target])
      expect(out).toContain(`Environment:
  API_KEY:    <set to key TOKEN of secret/github>
  LEVEL:      <a value in the spec; --show-values shows it>
  NOTHING:    <empty>
Headers:
  Authorization: <set to key TOKEN of secret/github>
  X-Team:        <a value in the spec; --show-values shows it>
Limits:     memory 512Mi, cpu 500m
Sessions:   dedicated: at most 100 a copy, 0 kept ready, ended after 600 s without a message
Probes:     tools/list and the tool ping every 30 s, 10 s for an answer; unhealthy after 3 failures, restarted after 5
`)
      expect(out).not.toContain('hunter')
      const shown = (await world.run(['describe', target, '--show-values'])).out
      expect(shown).toContain('  LEVEL:      hunter2\n')
      expect(shown).toContain('  X-Team:        hunter3\n')
      expect(shown).toContain('  API_KEY:    <set to key TOKEN of secret/github>\n')
    }
  })

  it('say why an instance does not run, and when it is tried again', async () => {
    await given()
    world.mcpd.store.put('instance', 'a-1', crashed)
    const { out } = await world.run(['describe', 'instance', 'a-1'])
    expect(out).toContain(
      `Server:     a
Status:
  ready:         0/1
  status:        CrashLoopBackOff
  restarts:      4 (3m ago)
  attemptCount:  3
  lastAttemptAt: 2026-01-01T00:59:00.000Z
  error:
    The program ended by itself with exit code 1. Its last lines on stderr:
    no licence
  nextRetryAt:   2026-01-01T01:00:30.000Z (in 30s)
Last end:
  at:         2026-01-01T00:57:00.000Z
  reason:     it ended
  code:       1
Ran as:     <none>
`,
    )
  })

  it('show a server with its copies and the events of all of them', async () => {
    await given()
    world.mcpd.store.put('instance', 'a-1', crashed)
    const { out } = await world.run(['describe', 'server', 'a'])
    expect(out).toContain(`Instances:
  NAME   SERVER   READY   STATUS             RESTARTS     HEALTH   AGE
  a-1    a        0/1     CrashLoopBackOff   4 (3m ago)   <none>   60m
Why a-1:
  The program ended by itself with exit code 1. Its last lines on stderr:
  no licence
Events:
  OF             AGE   TYPE              BY         DETAIL
  server/a       60m   ServerDeclared    User:ada   -
  instance/a-1   60m   InstanceStarted`)
    expect((await world.run(['describe', 'server', 'a', '--events', '1'])).out).not.toContain('ServerDeclared')
  })
})

describe('describe of a project', () => {
  const running = (server: string) => ({
    spec: { server, serverUid: 'u', specHash: 'h' },
    status: { phase: 'running' },
  })

  it('shows how its servers do, names that are not what they were, and rules that do nothing', async () => {
    await world.given(`
      servers:
        - { name: a, packageName: a }
        - { name: b, packageName: b }
        - { name: c, packageName: c }
        - { name: d, packageName: d }
      projects:
        - name: p
          namespacing: auto
          servers:
            - { name: a, tools: { deny: [drop, gone] } }
            - { name: b }
            - { name: c }
            - { name: d }`)
    for (const server of ['a', 'b', 'c']) world.mcpd.store.put('instance', `${server}-1`, running(server))
    world.mcpd.store.put('instance', 'd-1', {
      ...running('d'),
      status: { phase: 'error', error: 'no licence\nat all' },
    })
    world.mcpd.probe = ({ instance }) => {
      if (instance === 'c-1') return { ok: false, reason: 'no answer within 5 s' }
      const names = instance === 'a-1' ? ['read', 'drop', 'list'] : ['read', 'write']
      return { ok: true, result: { tools: names.map((name) => ({ name })) } }
    }
    const { out, code } = await world.run(['describe', 'project', 'p'])
    expect(code).toBe(0)
    const lines = out.split('\n')
    const from = (title: string, count: number) => {
      const at = lines.indexOf(title)
      return lines.slice(at + 1, at + 1 + count).map((line) => line.trim().split(/ {2,}/))
    }
    const servers = from('Servers:', 5)
    expect(servers.map((cells) => [cells[0], cells.at(-2), cells.at(-1)])).toEqual([
      ['NAME', 'TOOLS', 'REASON'],
      ['a', '2/3', '-'],
      ['b', '2/2', '-'],
      ['c', '-', 'tools/list: no answer within 5 s'],
      ['d', '-', 'no licence at all'],
    ])
    expect(from('Names:', 3)).toEqual([
      ['NAME', 'SERVER', 'TOOL', 'WHY'],
      ['a__read', 'a', 'read', 'b has it, too'],
      ['b__read', 'b', 'read', 'a has it, too'],
    ])
    expect(from('Warnings:', 1)).toEqual([['- server a: deny "gone" matches no tool']])
  })

  it('says so where a server may not be asked, and shows the rest', async () => {
    await world.given(`
      servers: [{ name: a, packageName: a }]
      projects: [{ name: p, servers: [{ name: a }] }]`)
    world.mcpd.store.put('instance', 'a-1', running('a'))
    world.mcpd.intercept = ({ path }) =>
      path.endsWith('/probe')
        ? { status: 403, body: { code: 'forbidden', status: 403, title: 'x', detail: 'may not run server/a' } }
        : undefined
    const { out, code } = await world.run(['describe', 'project', 'p'])
    expect(code).toBe(0)
    expect(out).toMatch(/ a +.* - +may not run server\/a\n/)
    expect(out).toContain('Names:      <none>\nWarnings:   <none>\n')
  })
})

describe('history', () => {
  it('says who changed what, newest first', async () => {
    await world.given('servers: [{ name: a, command: x }]')
    await world.given('servers: [{ name: a, command: y, labels: { b: c } }]')
    await world.run(['delete', 'server/a'])
    expect((await world.run(['history', 'server/a'])).out).toBe(
      [
        'REVISION   AGE   BY         TYPE             CHANGED',
        '2          60m   User:ada   ServerDeleted    -',
        '1          60m   User:ada   ServerDeclared   command,labels',
        '0          60m   User:ada   ServerDeclared   command,args,env,transport,replicas,allowScripts',
        '',
      ].join('\n'),
    )
  })
})

describe('history of a few revisions', () => {
  it('says what the oldest one shown has changed', async () => {
    await world.given('servers: [{ name: a, command: x }]')
    await world.given('servers: [{ name: a, command: y }]')
    const { out } = await world.run(['history', 'server/a', '--limit', '1'])
    expect(out.trim().split('\n')).toHaveLength(2)
    expect(out).toContain('ServerDeclared   command\n')
  })
})

describe('logs', () => {
  const line = (instance: string, text: string) => ({
    instance,
    at: '2026-01-01T00:00:00.000Z',
    source: 'stderr',
    line: text,
  })
  beforeEach(async () => {
    await world.given('servers: [{ name: a, command: x }]')
    world.mcpd.logLines = [line('a-1', 'one'), line('a-1', 'two \u001b[31mred')]
  })
  const asked = () => world.mcpd.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v1/logs'))

  it('prints the lines of a server as they are', async () => {
    expect((await world.run(['logs', 'a'])).out).toBe('one\ntwo \u001b[31mred\n')
  })

  it('shows escapes instead of sending them to a terminal', async () => {
    expect((await world.run(['logs', 'a'], { outIsTTY: true })).out).toContain('two \\x1b[31mred\n')
  })

  it('prefixes lines when there are several instances', async () => {
    for (const name of ['a-1', 'a-2']) world.mcpd.store.put('instance', name, { spec: { server: 'a' }, status: {} })
    world.mcpd.logLines = [line('a-1', 'one'), line('a-2', 'two')]
    expect((await world.run(['logs', 'server/a'])).out).toBe('[a-1] one\n[a-2] two\n')
  })

  it('takes the name of an instance where no server is called that', async () => {
    world.mcpd.store.put('instance', 'a-1', { spec: { server: 'a' }, status: {} })
    expect((await world.run(['logs', 'a-1'])).out).toContain('one\n')
  })

  it('asks for what the flags say', async () => {
    await world.run(['logs', 'a', '--tail', '5', '--since', '10m', '--previous'])
    expect(asked()).toEqual(['/api/v1/logs?servers=a&tail=5&previous=true&since=2026-01-01T00%3A50%3A00.000Z'])
  })

  it('takes several names, of servers and of instances', async () => {
    await world.given('servers: [{ name: b, command: x }]')
    world.mcpd.store.put('instance', 'a-1', { spec: { server: 'a' }, status: {} })
    expect((await world.run(['logs', 'server/a', 'b', 'a-1'])).out).toContain('[a-1] one\n')
    await world.run(['logs', 'srv', 'a', 'b'])
    expect(asked()).toEqual(['/api/v1/logs?servers=a%2Cb&instances=a-1', '/api/v1/logs?servers=a%2Cb'])
  })

  it('takes a selector, and then the last lines of each copy unless told otherwise', async () => {
    expect((await world.run(['logs', '-l', 'team=core'])).out).toContain('[a-1] one\n')
    await world.run(['logs', '-l', 'team=core', '--tail', '3'])
    expect(asked()).toEqual([10, 3].map((tail) => `/api/v1/logs?tail=${tail}&labelSelector=team%3Dcore`))
    expect(await world.run(['logs', 'a', '-l', 'team=core'])).toMatchObject({ code: 2 })
  })

  it('prefixes lines or does not, as it is told', async () => {
    expect((await world.run(['logs', 'a', '--prefix'])).out).toContain('[a-1] one\n')
    world.mcpd.logLines = [line('a-1', 'one'), line('a-2', 'two')]
    expect((await world.run(['logs', 'a'])).out).toBe('one\n[a-2] two\n')
    expect((await world.run(['logs', 'a', '--no-prefix', '--timestamps'])).out).toBe(
      '2026-01-01T00:00:00.000Z one\n2026-01-01T00:00:00.000Z two\n',
    )
  })

  it('gives each instance a colour on a terminal, unless colours are not wanted', async () => {
    world.mcpd.logLines = [line('a-1', 'one'), line('a-2', 'two')]
    const { out } = await world.run(['logs', 'a', '--prefix'], { outIsTTY: true })
    expect(out).toBe('\u001b[36m[a-1]\u001b[0m one\n\u001b[33m[a-2]\u001b[0m two\n')
    const plain = await world.run(['logs', 'a', '--prefix'], { outIsTTY: true, env: { NO_COLOR: '1' } })
    expect(plain.out).toBe('[a-1] one\n[a-2] two\n')
  })

  it('goes on after a restart of mcpd where it was, until the server is gone', async () => {
    let streams = 0
    world.mcpd.intercept = ({ path }) => {
      if (path !== '/api/v1/logs') return undefined
      streams += 1
      if (streams === 2) return { status: 503, body: { code: 'stopping', detail: 'mcpd is stopping', status: 503 } }
      if (streams === 4) return { status: 404, body: { code: 'not-found', detail: 'gone', status: 404 } }
      return { lines: streams === 1 ? [line('a-1', 'one')] : [line('a-1', 'one'), line('a-1', 'two')] }
    }
    const { code, out, err } = await world.run(['logs', 'a', '-f', '--tail', '1'])
    expect([code, out, err]).toEqual([0, 'one\ntwo\n', 'mcpd is stopping; waiting for it\n'])
    expect(asked()[2]).toBe('/api/v1/logs?servers=a&follow=true&since=2026-01-01T00%3A00%3A00.000Z')
  })

  it('says what was probably meant', async () => {
    expect(await world.run(['logs', 'b'])).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean "a"?') })
    expect(await world.run(['logs', 'project/a'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('have no logs'),
    })
  })
})

describe('explain', () => {
  it('shows the fields of a kind and an example', async () => {
    const { out } = await world.run(['explain', 'project'])
    expect(out).toContain('namespacing <always | auto | never> (default "always")\n      always: <server>__<tool>.')
    expect(out).toContain('EXAMPLE:\n  apiVersion: mcpctl/v1\n  kind: project\n')
  })

  it('goes down a path, and says what was probably meant', async () => {
    expect((await world.run(['explain', 'server.env.valueFrom'])).out).toContain('secretRef <object> -required-')
    expect((await world.run(['explain', 'server.envv'])).err).toContain('Did you mean "env"?')
  })
})
