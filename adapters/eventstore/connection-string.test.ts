import { describe, expect, it, vi } from 'vitest'
import { parseConnectionString } from './connection-string.ts'
import { openEventStoreLog } from './eventstore-log.ts'

describe('a connection string', () => {
  it.each([
    ['esdb://localhost:2113', undefined],
    ['esdb://ada:s3cret@localhost', { username: 'ada', password: 's3cret' }],
    ['esdb+discover://ada:p%40ss%3A@a:1,b:2?tls=true', { username: 'ada', password: 'p@ss:' }],
    ['esdb://localhost:2113?connectionName=a@b', undefined],
  ])('has user and password before its hosts or not at all: %s', (text, credentials) => {
    const address = parseConnectionString(text)
    expect(address.credentials).toEqual(credentials)
    expect(address.forClient(0)).not.toMatch(/ada|s3cret|p%40ss/)
  })

  it('is encrypted unless it says otherwise', () => {
    expect(parseConnectionString('esdb://localhost').secure).toBe(true)
    expect(parseConnectionString('esdb://localhost?tls=true').secure).toBe(true)
    expect(parseConnectionString('esdb://localhost/?connectionName=x&TLS=false').secure).toBe(false)
  })

  it("may use KurrentDB's names of the protocol", () => {
    expect(parseConnectionString(' kurrentdb+discover://a:1 ').forClient(0)).toMatch(/^esdb\+discover:\/\/a:1\?/)
    expect(parseConnectionString('kdb://a,b').forClient(0)).toMatch(/^esdb:\/\/a,b\?/)
  })

  it('differs for each client by one millisecond of keep-alive, so that none inherits a broken connection', () => {
    const intervals = (text: string) =>
      [0, 3].map((n) => /keepaliveinterval=([^&]*)/.exec(parseConnectionString(text).forClient(n))?.[1])
    expect(intervals('esdb://a?tls=false')).toEqual(['10000', '10003'])
    expect(intervals('esdb://a?keepAliveInterval=30000')).toEqual(['30000', '30003'])
    expect(intervals('esdb://a?keep-alive-interval=-1')).toEqual(['-1', '-1'])
  })

  it('is not printed by the client, which would warn with all of it', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const log = await openEventStoreLog({
      connectionString: 'esdb://ada:s3cret@localhost?tls=false&tlsVerifyCert=false',
    })
    expect(warn.mock.calls.flat().join()).toContain('tlsVerifyCert')
    expect(warn.mock.calls.flat().join()).not.toMatch(/ada|s3cret/)
    warn.mockRestore()
    await log.close()
  })

  it.each([
    'http://ada:s3cret@localhost',
    'esdb://ada:s3cret@localhost:port',
    'esdb://ada:s3cret@localhost?tls',
    'esdb://ada:s3cret@localhost?tsl=false',
    'esdb://:s3cret@localhost',
    'esdb://ada:s3?cret@localhost',
    'esdb://ada:s3cret@',
    'esdb://ada:%s3cret@localhost',
    '',
  ])('that is wrong is refused without being shown: %j', async (connectionString) => {
    const opening = openEventStoreLog({ connectionString })
    await expect(opening).rejects.toMatchObject({ code: 'eventstore-url-invalid' })
    await expect(opening).rejects.not.toThrow(/s3cret/)
  })

  it('that names a file which is missing says so', async () => {
    const opening = openEventStoreLog({ connectionString: 'esdb://ada:s3cret@localhost?tlsCAFile=/nowhere/ca.pem' })
    await expect(opening).rejects.toThrow(/certificate file/)
  })
})
