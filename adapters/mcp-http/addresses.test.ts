import { describe, expect, it } from 'vitest'
import { refusedAddress, refusedName } from './addresses.ts'

describe('an address', () => {
  it.each([
    ['169.254.169.254', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['FD00:0EC2:0000::0254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['::ffff:a9fe:a9fe', 'metadata'],
    ['64:ff9b::a9fe:a9fe', 'metadata'],
    ['2002:a9fe:a9fe::1', 'metadata'],
    ['169.254.0.1', 'link-local'],
    ['::ffff:169.254.1.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['ff02::1', 'multicast'],
  ])('%s is refused: %s', (address, what) => expect(refusedAddress(address)).toContain(what))

  it.each(['127.0.0.1', '::1', '10.0.0.1', '172.17.0.2', '192.168.1.1', '100.64.0.1', 'fd12:3456::1', '8.8.8.8'])(
    '%s is fine',
    (address) => expect(refusedAddress(address)).toBeUndefined(),
  )

  it('has names that are refused whatever they lead to', () => {
    expect(refusedName('Metadata.Google.Internal.')).toContain('metadata')
    expect(refusedName('internal.example')).toBeUndefined()
  })
})
