import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { begin, streamTo } from './testing/begin.ts'
import { INITIALIZED, mcp, startServer } from './testing/http-server.ts'
import { INITIALIZE } from './testing/test-stream.ts'

const OPENSSL = 'openssl'
const run = promisify(execFile)
const hasOpenssl = (): boolean => {
  try {
    execFileSync(OPENSSL, ['version'], { stdio: 'ignore' })
    return true
  } catch {
    process.stdout.write('MCP over TLS: not tested, there is no openssl to make a certificate\n')
    return false
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** An issuer, and certificates of its making for servers at 127.0.0.1. */
const issuer = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-mcp-tls-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = (name: string) => join(folder, name)
  await run(OPENSSL, [
    'req',
    '-x509',
    ...KEY,
    '-days',
    '2',
    '-subj',
    '/CN=issuer',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  ])
  const issue = async (name: string, { days = 2, host = 'IP:127.0.0.1' } = {}) => {
    const [key, request, cert] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.pem`)]
    await writeFile(file(`${name}.ext`), `subjectAltName=${host}\n`)
    await run(OPENSSL, ['req', ...KEY, '-subj', '/CN=server', '-keyout', key, '-out', request])
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file(`${name}.ext`)]
    await run(OPENSSL, ['x509', '-req', '-in', request, ...by, '-days', `${days}`, '-out', cert])
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
  }
  const own = { key: await readFile(file('ca.key'), 'utf8'), cert: await readFile(file('ca.pem'), 'utf8') }
  return { file: file('ca.pem'), own, issue }
}

const serving = async (tls: { readonly key: string; readonly cert: string }): Promise<string> => {
  const server = await startServer(
    mcp(() => {}),
    { tls },
  )
  onTestFinished(() => server.close())
  return server.url.href
}

describe.skipIf(!hasOpenssl())('over TLS', () => {
  it('says what is wrong with a certificate, and the named way out is one', async () => {
    const ca = await issuer()
    const urls = [
      await serving(await ca.issue('good')),
      await serving(await ca.issue('expired', { days: -1 })),
      await serving(await ca.issue('other', { host: 'DNS:other.example' })),
    ]
    const program = fileURLToPath(new URL('testing/open-once.ts', import.meta.url))
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: ca.file }
    const { stdout } = await run(process.execPath, ['--import', 'tsx', program, ...urls], { env })
    const [good, expired, other] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(good.result).toEqual(INITIALIZED)
    expect(expired.error).toMatchObject({
      data: { code: 'server-tls' },
      message: expect.stringContaining('has expired'),
    })
    expect(other.error).toMatchObject({
      data: { code: 'server-tls' },
      message: expect.stringContaining('is for another host'),
    })
  })

  it('names an issuer that is not known, and a certificate that is its own', async () => {
    const ca = await issuer()
    for (const [tls, what] of [
      [await ca.issue('good'), 'has an issuer that is not known here'],
      [ca.own, 'is self-signed'],
    ] as const) {
      const { error } = await streamTo(new URL(await serving(tls))).ask(1, 'initialize', INITIALIZE)
      expect(error).toMatchObject({ code: -32000, message: expect.stringContaining(what) })
      expect(error?.data).toMatchObject({ code: 'server-tls', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') })
    }
  })

  it('says when a server speaks plain HTTP, and when a plain URL meets TLS', async () => {
    const { server } = await begin(() => {})
    const plain = new URL(server.url.href.replace('http:', 'https:'))
    const { error } = await streamTo(plain).ask(1, 'initialize', INITIALIZE)
    expect(error?.data).toMatchObject({ code: 'server-tls', hint: expect.stringContaining('http://') })
    // What a server of TLS says to who speaks HTTP.
    const alerting = createServer(
      (socket) => void socket.once('data', () => socket.end(Buffer.from('15030300020246', 'hex'))),
    )
    alerting.listen(0, '127.0.0.1')
    await once(alerting, 'listening')
    onTestFinished(() => void alerting.close())
    const address = alerting.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const other = await streamTo(new URL(`http://127.0.0.1:${port}/mcp`)).ask(1, 'initialize', INITIALIZE)
    expect(other.error?.data).toMatchObject({ code: 'no-http', hint: expect.stringContaining('https://') })
  })
})
