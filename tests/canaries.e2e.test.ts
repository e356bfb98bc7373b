import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { unwrap } from '../adapters/keyring/data-key.ts'
import { readMasterKeyFile } from '../adapters/keyring/master-key-file.ts'
import { filesWith } from '../adapters/keyring/testing/bytes-on-disk.ts'
import { type Cluster, postgresPrograms, startCluster } from '../adapters/postgres/testing/cluster.ts'
import { type CanarySearch, canarySearch, searchFolder, watchProcesses } from './testing/canary-search.ts'
import { type Canary, canaryValues, keyOf, secretNameOf, secretOf } from './testing/canary-values.ts'
import { type Ask, asking, type Daemon, environmentOf, startDaemon } from './testing/daemon.ts'
import { misplace } from './testing/misplaced-values.ts'
import { runMcpctl } from './testing/system.ts'
import { wrappedKeys } from './testing/wrapped-keys.ts'

// A hundred secrets through their whole life, with the programs as they are built. Then everything that anybody can look at is
// searched for each of them, in every form in which it may have been written.

const MCPCTL = fileURLToPath(new URL('../dist/cli/bin/mcpctl.cjs', import.meta.url))
const SERVER = fileURLToPath(new URL('./testing/programs/tell-all-server.js', import.meta.url))
const programs = await postgresPrograms()

describe.each(programs === undefined ? ['PGlite'] : ['PGlite', 'Postgres'])('a hundred secrets, rows in %s', (rows) => {
  const canaries = canaryValues()
  const byName = new Map(canaries.map((canary) => [canary.name, canary]))
  const search: CanarySearch = canarySearch(canaries)
  /** What was printed or answered to somebody, and by what. */
  const said: { readonly where: string; readonly text: string }[] = []
  /** The second database is for what the first one does not show. */
  const thorough = rows === 'PGlite'
  let home: string
  let cluster: Cluster | undefined
  let database: string | undefined
  let mcpd: Daemon
  let mcplocal: Daemon
  let token: string
  let processes: ReturnType<typeof watchProcesses>
  const logs: (() => string)[] = []
  const data = () => join(home, '.mcpctl', 'data')

  const start = async (): Promise<void> => {
    const reports = `--report-on-fatalerror --report-uncaught-exception --report-on-signal --report-directory=${join(home, 'reports')}`
    mcpd = await startDaemon({
      program: 'mcpd',
      home,
      env: { LOG_LEVEL: 'debug', NODE_OPTIONS: reports, ...(database === undefined ? {} : { DATABASE_URL: database }) },
      wrapper: ['prlimit', '--core=0'],
    })
    logs.push(mcpd.log)
  }
  const ask: Ask = async (method, path, options) => {
    const answer = await asking(
      () => mcpd,
      () => token,
    )(method, path, options)
    said.push({ where: `${method} ${path}`, text: `${JSON.stringify([...answer.headers])}${answer.text}` })
    return answer
  }
  const mcpctl = async (args: readonly string[], stdin?: string) => {
    const env = { ...environmentOf(home), MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token, EDITOR: 'true' }
    const ran = await runMcpctl(args, env, stdin)
    said.push({ where: `mcpctl ${args.join(' ')}`, text: ran.stdout + ran.stderr })
    return ran
  }
  const made = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await mcpctl(args, stdin)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    return stdout
  }
  const clear = (name: string): string => byName.get(name)?.value ?? ''
  const some = (from: number, count: number): readonly Canary[] => canaries.slice(from, from + count)
  const dataOf = (of: readonly Canary[]) => Object.fromEntries(of.map(({ name, value }) => [keyOf(name), value]))

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mcpctl-canaries-'))
    await mkdir(join(home, 'reports'))
    if (rows === 'Postgres' && programs !== undefined) {
      cluster = await startCluster(programs)
      database = await cluster.createDatabase('mcpctl')
    }
    processes = watchProcesses(search, (commandLine) => commandLine.includes('tell-all-server'))
    await start()
    await vi.waitFor(() => expect(mcpd.token).not.toBe(''))
    token = mcpd.token
    mcplocal = await startDaemon({
      program: 'mcplocal',
      home,
      env: { LOG_LEVEL: 'debug' },
      args: ['--server', mcpd.url],
    })
    logs.push(mcplocal.log)
  }, 120_000)
  afterAll(async () => {
    processes?.stop()
    await mcplocal?.end('SIGKILL')
    await mcpd?.end('SIGTERM')
    await cluster?.remove()
    await rm(home, { recursive: true, force: true })
  })

  const everything = async (): Promise<readonly string[]> => {
    const dump = database === undefined ? '' : await dumpOf(programs ?? '', database)
    return [
      ...searchFolder(search, home),
      ...search.in(dump).map((finding) => `pg_dump: ${finding}`),
      ...logs.flatMap((log) => search.in(log())).map((finding) => `a program's log: ${finding}`),
      ...said.flatMap(({ where, text }) => search.in(text).map((finding) => `${where}: ${finding}`)),
      ...processes.found(),
    ]
  }

  it('are created by HTTP, from files, standard input, a terminal and manifests', async () => {
    for (const canary of some(0, 30))
      expect((await ask('POST', '/api/v1/secrets', { body: secretOf(canary.name, dataOf([canary])) })).status).toBe(201)
    const files = await Promise.all(
      some(30, 10).map(async ({ name, value }) => {
        const path = join(tmpdir(), `${name}-${process.pid}`)
        await writeFile(path, value)
        return { path, flag: `--from-file=${keyOf(name)}=${path}` }
      }),
    )
    await made(['create', 'secret', 'from-files', ...files.map(({ flag }) => flag)])
    await Promise.all(files.map(({ path }) => rm(path)))
    for (const { name, value } of some(40, 3))
      await made(['create', 'secret', name, '--from-stdin', keyOf(name)], `${value}\n`)
    said.push({ where: 'the terminal', text: await onTerminal(canaries[43]!, mcpd.url, token, home) })
    const manifests = some(44, 36).map(({ name, value }) => ({
      kind: 'secret',
      ...secretOf(name, { [keyOf(name)]: value }),
    }))
    await made(['apply', '-f', '-'], manifests.map((each) => JSON.stringify(each)).join('\n---\n'))
    const { json } = await ask('GET', '/api/v1/secrets?limit=200')
    expect(json.items).toHaveLength(71)
  })

  it('can be revealed to their owner, exactly as they were given', async () => {
    const reveal = asking(
      () => mcpd,
      () => token,
    )
    for (const { name, value } of [...some(0, 30), ...some(40, 40)])
      expect((await reveal('GET', `/api/v1/secrets/${name}/values`)).json.values).toEqual({ [keyOf(name)]: value })
    expect((await reveal('GET', '/api/v1/secrets/from-files/values')).json.values).toEqual(
      Object.fromEntries(some(30, 10).map(({ name, value }) => [keyOf(name), value])),
    )
  })

  it('are in the environment of the instance they are for, which tells everybody', async () => {
    // What no environment can hold is refused; a server that fails at its start says what it knows, too.
    expect(
      (await ask('POST', '/api/v1/secrets', { body: secretOf('nul', { K: `with a NUL\0${clear('random-1')}` }) }))
        .status,
    ).toBe(201)
    const env = some(0, 40).map(({ name }) => ({
      name: `V_${keyOf(name)}`,
      valueFrom: { secretRef: { name: secretNameOf(name), key: keyOf(name) } },
    }))
    const server = (name: string, spec: object) => ({ kind: 'server', metadata: { name }, spec })
    const program = (...flags: string[]) => ({ command: process.execPath, args: [SERVER, ...flags], env })
    const resources = [
      server('telling', program()),
      server('dying', program('--die')),
      server('refusing', program('--refuse')),
      server('no-program', { ...program(), command: '/nowhere/tell-all-server' }),
      server('with-nul', {
        command: process.execPath,
        args: [SERVER],
        env: [{ name: 'N', valueFrom: { secretRef: { name: 'nul', key: 'K' } } }, ...env],
      }),
      { kind: 'project', metadata: { name: 'demo' }, spec: { servers: [{ name: 'telling' }] } },
    ]
    await made(['apply', '-f', '-'], resources.map((each) => JSON.stringify(each)).join('\n---\n'))
    const phases = async () =>
      Object.fromEntries(
        (await ask('GET', '/api/v1/instances')).json.items.map(
          ({ spec, status }: { spec: { server: string }; status: { phase: string } }) => [spec.server, status.phase],
        ),
      )
    await expect
      .poll(phases, { timeout: 60_000, interval: 200 })
      .toEqual({ telling: 'running', dying: 'error', refusing: 'error', 'no-program': 'error', 'with-nul': 'error' })
  }, 90_000)

  it('reach an MCP client only in what the server itself answers', async () => {
    const client = new Client({ name: 'test', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(`${mcplocal.url}/projects/demo/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    })
    await client.connect(transport as Parameters<Client['connect']>[0])
    const call = (name: string) => client.callTool({ name: `telling__${name}`, arguments: {} })
    expect(search.in(JSON.stringify(await call('env')))).not.toEqual([]) // it has them, and the search would find them
    await call('failing')
    await expect(call('error')).rejects.toThrow()
    await call('log')
    await expect(call('die')).rejects.toThrow()
    await client.close()
    // Tried again at once when one of its secrets changes.
    await expect
      .poll(async () => (await ask('GET', '/api/v1/instances?server=telling')).json.items[0].status.phase)
      .toBe('error')
  })

  it('are changed', async () => {
    for (const [i, { name }] of some(0, 10).entries()) {
      const next = canaries[80 + i]!
      const body = secretOf(name, { [keyOf(name)]: next.value })
      const key = { 'idempotency-key': `change-${name}` }
      expect((await ask('PUT', `/api/v1/secrets/${name}`, { body, headers: key })).json.outcome).toBe('configured')
      expect((await ask('PUT', `/api/v1/secrets/${name}`, { body, headers: key })).status).toBe(200)
    }
    const manifests = some(44, 10).map(({ name }, i) => ({
      kind: 'secret',
      ...secretOf(name, { [keyOf(name)]: canaries[90 + i]!.value }),
    }))
    const text = manifests.map((each) => JSON.stringify(each)).join('\n---\n')
    await mcpctl(['diff', '-f', '-'], text)
    await made(['apply', '-f', '-', '--dry-run=server'], text)
    await made(['apply', '-f', '-'], text)
    expect(canaries).toHaveLength(100)
  })

  it('are asked for in every way there is', async () => {
    for (const args of [
      ['get', 'secrets'],
      ['get', 'secrets', '-o', 'yaml'],
      ['get', 'secrets', '-o', 'json'],
      ['describe', 'secret', 'odd-0'],
      ['describe', 'secret', 'from-files', '--events', '100'],
      ['describe', 'server', 'telling'],
      ['history', 'secret', 'odd-0'],
      ['history', 'secret/random-24', '-o', 'json'],
      ['explain', 'secret'],
      ['edit', 'secret', 'odd-1'],
      ['get', 'instances', '-o', 'yaml'],
      ['describe', 'instances', '--show-values'],
      ['top', 'servers', '-o', 'json'],
      ['test', 'server/dying'],
      ['test', 'server/telling', '-o', 'json'],
      ['logs', 'telling', 'dying', 'refusing'],
      ['logs', 'server/telling'],
      ['logs', 'server/telling', '--previous'],
      ['logs', 'server/dying'],
      ['logs', 'server/refusing'],
      ['status', '-o', 'json'],
    ].slice(thorough ? 0 : -11))
      await mcpctl(args)
    const { json } = await ask('GET', '/api/v1/instances?limit=100')
    for (const { metadata } of json.items) {
      await ask('GET', `/api/v1/instances/${metadata.name}/events?limit=100`)
      await ask('GET', `/api/v1/instances/${metadata.name}/logs`)
    }
    for (const { name } of some(0, 5)) await ask('GET', `/api/v1/secrets/${name}/events?limit=100`)
    await ask('GET', '/metrics')
    await ask('GET', '/openapi.json')
    // Their output was there to be searched.
    expect(said.find(({ where }) => where === 'mcpctl logs server/dying')?.text).toContain('[redacted]')
  })

  it('are sent to where they do not belong', async () => {
    for (const { name, value } of some(0, thorough ? 26 : 4)) await misplace(ask, name, value)
    const tooLarge = secretOf('a', { K: clear('random-6').repeat(30_000) })
    expect((await ask('POST', '/api/v1/secrets', { body: tooLarge })).status).toBe(413)
    for (const value of [clear('random-5'), clear('odd-7'), clear('odd-18')]) {
      if (!thorough) break
      await mcpctl(['apply', '-f', '-'], `kind: secret\nmetadata: {name: a}\nspec: {data: {K: ${value}\n`)
      await mcpctl(
        ['apply', '-f', '-'],
        `kind: secret\nmetadata: {name: a}\nspec: {dat: {K: ${JSON.stringify(value)}}}\n`,
      )
      await mcpctl(
        ['apply', '-f', '-'],
        `{"kind":"secret","metadata":{"name":"a"},"spec":{"data":{"K":{"x":${JSON.stringify(value)}}}}`,
      )
      await mcpctl(['create', 'secret', 'a', '--spec-file', '-'], `data: {K: "${value}`)
      await mcpctl(['create', 'secret', 'odd-0', '--from-stdin', 'K'], value)
    }
  }, 60_000)

  it('live through a rotation of the master key and a rebuild', async () => {
    const before = await readMasterKeyFile(join(data(), 'master.key'))
    if (before?.ours !== true) throw new Error('there is no master key')
    const old = before.keys.current.key.export()
    expect(await filesWith(data(), old)).toHaveLength(1) // the search finds it while it is there
    const wrapped = await wrappedKeys(data())
    await made(['rotate', 'master-key'])
    expect(await filesWith(data(), old)).toEqual([])
    for (const { ciphertext } of wrapped) expect(await filesWith(join(data(), 'keys'), ciphertext)).toEqual([])
    await ask('POST', '/api/v1/admin/rebuild')
    await expect
      .poll(async () =>
        (await ask('GET', '/readyz')).json.checks.readModels.map(({ state }: { state: string }) => state),
      )
      .toEqual(['live'])
    const reveal = await asking(
      () => mcpd,
      () => token,
    )('GET', '/api/v1/secrets/random-40/values')
    expect(reveal.json.values).toEqual({ [keyOf('random-40')]: clear('random-40') })
  })

  it('live through crashes: a report, an abort, a kill', async () => {
    process.kill(mcpd.pid, 'SIGUSR2')
    await expect.poll(async () => (await readdir(join(home, 'reports'))).length).toBeGreaterThan(0)
    for (const signal of ['SIGABRT', 'SIGKILL'] as const) {
      await mcpd.end(signal)
      await start()
    }
    const { json } = await ask('GET', '/api/v1/secrets?limit=200')
    expect(json.items).toHaveLength(72)
  }, 90_000)

  it('are found nowhere: data folder, dump, logs, answers, output, reports, process list', async () => {
    expect(processes.seenGiven()).toBeGreaterThan(0)
    // The search finds what is there: a value put into one of each.
    const planted = join(data(), 'planted')
    await writeFile(planted, `x${Buffer.from(clear('random-7')).toString('base64')}`)
    said.push({ where: 'planted', text: encodeURIComponent(clear('odd-3')) })
    const found = await everything()
    expect(found.filter((finding) => finding.startsWith(planted))).not.toEqual([])
    expect(found.filter((finding) => finding.startsWith('planted'))).not.toEqual([])
    await rm(planted)
    said.pop()
    expect(await everything()).toEqual([])
  }, 90_000)

  it('cannot be opened by anything in the data folder once they are deleted', async () => {
    const names: string[] = (await ask('GET', '/api/v1/secrets?limit=200')).json.items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    )
    const keys = await wrappedKeys(data())
    expect(keys).toHaveLength(names.length)
    const file = await readMasterKeyFile(join(data(), 'master.key'))
    if (file?.ours !== true) throw new Error('there is no master key')
    const master = file.keys.current
    const bare = keys.map(({ wrapped }) => unwrap(master, wrapped.uid, wrapped).export())
    const [sample] = keys
    expect(await filesWith(data(), sample!.ciphertext)).toHaveLength(1) // the search finds it while it is there

    await ask('DELETE', '/api/v1/projects/demo')
    for (const server of ['telling', 'dying', 'refusing', 'no-program', 'with-nul'])
      await ask('DELETE', `/api/v1/servers/${server}`)
    for (const name of names) expect((await ask('DELETE', `/api/v1/secrets/${name}`)).status).toBe(200)

    const files = await readdir(data(), { recursive: true })
    const anywhere = canarySearch(
      keys
        .flatMap(({ ciphertext, nonce }, i) => [
          ...[ciphertext, bare[i]!].map((bytes) => ({ name: `key ${i}`, bytes })),
          { name: `nonce ${i}`, bytes: nonce },
        ])
        .flatMap(({ name, bytes }) => [
          { name, value: bytes.toString('base64'), random: false },
          { name, value: bytes.toString('hex'), random: false },
        ]),
    )
    expect(searchFolder(anywhere, data())).toEqual([])
    for (const bytes of [...keys.map(({ ciphertext }) => ciphertext).slice(0, 5), ...bare.slice(0, 5)])
      expect(await filesWith(data(), bytes)).toEqual([])
    expect(files.filter((name) => name.startsWith('keys/'))).toEqual([])
    // Nor does the ciphertext's having gone make it true: it stays in the log.
    const log = await readFile(join(data(), 'log', 'data.mdb'))
    expect(log.includes('"ciphertext"')).toBe(true)
    expect(await everything()).toEqual([])
  }, 90_000)
})

const dumpOf = async (bin: string, url: string): Promise<Buffer> => {
  const { stdout } = await promisify(execFile)(join(bin, 'pg_dump'), ['--inserts', '--dbname', url], {
    encoding: 'buffer',
    maxBuffer: 512 * 1024 * 1024,
  })
  return stdout
}

/** Types a value at mcpctl's prompt, on a terminal of its own, and answers what was to be seen there. */
const onTerminal = (canary: Canary, server: string, token: string, home: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const command = `'${process.execPath}' '${MCPCTL}' create secret ${canary.name} --prompt ${keyOf(canary.name)}`
    const env = { ...environmentOf(home), MCPCTL_SERVER: server, MCPCTL_TOKEN: token, TERM: 'xterm' }
    const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: 'pipe' })
    let seen = ''
    child.stdout.on('data', (chunk) => {
      if (!seen.includes('Value of') && `${seen}${chunk}`.includes('Value of')) child.stdin.write(`${canary.value}\r`)
      seen += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(seen) : reject(new Error(`mcpctl ended with ${code}: ${seen}`))))
  })
