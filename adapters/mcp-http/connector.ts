import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction, Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { refusedAddress, refusedName } from './addresses.ts'

/** Connecting to where no request may go. */
export class RefusedAddress extends Error {
  readonly address: string
  readonly what: string

  constructor(address: string, what: string) {
    super(`${address} is ${what}`)
    this.name = 'RefusedAddress'
    this.address = address
    this.what = what
  }
}

/** Resolves a name to addresses. Node's own in programs. */
export type Lookup = (
  name: string,
  options: { readonly all: true; readonly family?: number | undefined; readonly hints?: number | undefined },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface ConnectorOptions {
  readonly allowLinkLocal: boolean
  /** Until the connection stands, in milliseconds. */
  readonly timeout: number
  readonly lookup?: Lookup
  /** Connections that are being made; undici ends only those that are. */
  readonly connecting: Set<Socket>
}

/**
 * Makes connections, but none to where no request may go. Looked at is the address that is connected to, not what the name
 * had resolved to at some earlier time.
 */
export const guardedConnector = (
  build: typeof buildConnector,
  { allowLinkLocal, timeout, lookup = resolve, connecting }: ConnectorOptions,
): buildConnector.connector => {
  const options = allowLinkLocal ? { timeout } : { timeout, lookup: guardedLookup(lookup) }
  const connect = build(options as buildConnector.BuildOptions)
  return (target, callback) => {
    // Node looks no literal address up.
    const what = isIP(target.hostname) === 0 ? refusedName(target.hostname) : refusedAddress(target.hostname)
    if (what !== undefined && !allowLinkLocal) {
      queueMicrotask(() => callback(new RefusedAddress(target.hostname, what), null))
      return
    }
    const socket: unknown = connect(target, (...outcome) => {
      if (socket instanceof Socket) connecting.delete(socket)
      callback(...outcome)
    })
    if (socket instanceof Socket) connecting.add(socket)
  }
}

const resolve: Lookup = (name, options, callback) => {
  const { family = 0, hints = 0 } = options
  systemLookup(name, { all: true, family, hints }, callback)
}

/** Leaves out the addresses that must not be connected to; fails where none is left. */
const guardedLookup =
  (lookup: Lookup): LookupFunction =>
  (name, { all, family, hints }, callback) => {
    const version = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family
    lookup(name, { all: true, family: version, hints }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const allowed = addresses.filter(({ address }) => refusedAddress(address) === undefined)
      const [first] = allowed
      const [refused] = addresses
      if (first !== undefined && all === true) callback(null, allowed)
      else if (first !== undefined) callback(null, first.address, first.family)
      else if (refused === undefined) callback(new Error(`${name} has no address`), [])
      else callback(new RefusedAddress(refused.address, refusedAddress(refused.address) ?? ''), [])
    })
  }
