import { BlockList, isIPv6 } from 'node:net'

interface Refused {
  readonly what: string
  readonly addresses: BlockList
}

/** As `a9fe:a9fe`: the last or middle parts of an IPv6 address that holds an IPv4 one. */
const hexOf = (ipv4: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

/** Adds a range as it is and as NAT64 and 6to4 write it in IPv6; mapped ones (`::ffff:…`) BlockList knows by itself. */
const ipv4 = (list: BlockList, net: string, prefix: number): void => {
  list.addSubnet(net, prefix, 'ipv4')
  list.addSubnet(`64:ff9b::${hexOf(net)}`, 96 + prefix, 'ipv6')
  list.addSubnet(`2002:${hexOf(net)}::`, 16 + prefix, 'ipv6')
}

const refused = (what: string, fill: (list: BlockList) => void): Refused => {
  const addresses = new BlockList()
  fill(addresses)
  return { what, addresses }
}

/** Where a cloud's machines find their own credentials, and what no server can be at. */
const REFUSED: readonly Refused[] = [
  refused('an address of cloud metadata', (list) => {
    for (const each of ['169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192']) ipv4(list, each, 32)
    list.addAddress('fd00:ec2::254', 'ipv6')
    list.addAddress('fd20:ce::254', 'ipv6')
  }),
  refused('a link-local address', (list) => {
    ipv4(list, '169.254.0.0', 16)
    list.addSubnet('fe80::', 10, 'ipv6')
  }),
  refused('an unspecified address', (list) => {
    ipv4(list, '0.0.0.0', 8)
    list.addAddress('::', 'ipv6')
  }),
  refused('a multicast or broadcast address', (list) => {
    ipv4(list, '224.0.0.0', 4)
    ipv4(list, '255.255.255.255', 32)
    list.addSubnet('ff00::', 8, 'ipv6')
  }),
]

/** Names that lead to a cloud's metadata, whatever they resolve to. */
const REFUSED_NAMES: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog'])

/** What is wrong with connecting to an IP address, for people; undefined if nothing is. Private networks and loopback are fine. */
export const refusedAddress = (address: string): string | undefined => {
  const [bare = address] = address.split('%', 1) // the zone of a link-local address
  const family = isIPv6(bare) ? 'ipv6' : 'ipv4'
  return REFUSED.find(({ addresses }) => addresses.check(bare, family))?.what
}

/** The same for the name of a host, in any case and with the root's dot. */
export const refusedName = (name: string): string | undefined =>
  REFUSED_NAMES.has(name.toLowerCase().replace(/\.$/, '')) ? 'a name of cloud metadata' : undefined
