import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEventStoreLog } from './eventstore-log.ts'
import { all, newEvents, newStream, numbersOf } from './testing/events.ts'
import { startWireServer } from './testing/wire-server.ts'

const OPENSSL = 'openssl'

const hasOpenssl = (): boolean => {
  try {
    execFileSync(OPENSSL, ['version'], { stdio: 'ignore' })
    return true
  } catch {
    process.stdout.write('EventStoreDB over TLS: not tested, there is no openssl to make a certificate\n')
    return false
  }
}

const startEncrypted = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-tls-'))
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', ...subject]
  await promisify(execFile)(OPENSSL, ['req', ...form, '-keyout', key, '-out', certificate])
  const tls = { certificate: await readFile(certificate), key: await readFile(key) }
  const server = await startWireServer({ tls })
  onTestFinished(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const open = async (user: string, options: string) => {
    const connectionString = `esdb://${user}${server.host}:${server.port}?${options}`
    const log = await openEventStoreLog({ connectionString, appendDeadlineMs: 1_000 })
    onTestFinished(() => log.close())
    return log
  }
  return { server, certificate, open }
}

describe.skipIf(!hasOpenssl())('over TLS', () => {
  it('sends the user of the connection string with each call', async () => {
    const { server, certificate, open } = await startEncrypted()
    const log = await open('ada:s%3Acret@', `tlsCAFile=${encodeURIComponent(certificate)}`)
    const stream = newStream()
    await log.append(stream, newEvents(2), 'none')
    expect(numbersOf(await all(log.readStream(stream)))).toEqual([0, 1])
    await log.tombstone(stream)
    const basic = `Basic ${Buffer.from('ada:s:cret').toString('base64')}`
    expect(server.faults.calls.map(({ operation, authorization }) => [operation, authorization])).toEqual([
      ['append', basic],
      ['read', basic],
      ['tombstone', basic],
    ])
  })

  it('sends no user when there is none', async () => {
    const { server, certificate, open } = await startEncrypted()
    const log = await open('', `tlsCAFile=${encodeURIComponent(certificate)}`)
    await log.append(newStream(), newEvents(1), 'none')
    expect(server.faults.calls.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it('trusts no certificate that it was not told to trust, and says nothing to that server', async () => {
    const { server, open } = await startEncrypted()
    const log = await open('ada:s3cret@', 'tlsVerifyCert=true')
    await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toMatchObject({ code: 'log-unavailable' })
    expect(server.faults.calls).toEqual([])
  })
})
