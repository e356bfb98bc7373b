import { coded } from '../../domain/kernel/errors.ts'

/** 500: the connection string of EventStoreDB cannot be read. The string itself is never shown: it may hold a password. */
export const invalidConnectionString = coded(
  'eventstore-url-invalid',
  500,
  'The connection string of EventStoreDB cannot be used',
  (reason: string) => ({
    message: `the EventStoreDB connection string cannot be used: ${reason}`,
    hint: 'Its form is esdb://[user:password@]host:port[,host:port…][?tls=false]',
  }),
)

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Where to connect, taken apart. */
export interface Address {
  /** Undefined when the string names no user. */
  readonly credentials: Credentials | undefined
  /** Whether the connection is encrypted: it is, unless the string says `tls=false`. */
  readonly secure: boolean
  /** The string for the n-th client of a program, without user and password. */
  forClient(n: number): string
}

/** KurrentDB's names for the protocol are newer than this client. */
const PROTOCOL = /^(?:esdb|kurrentdb|kurrent|kdb)(\+discover)?:\/\//

/** Every option of the client, in the form in which it compares them. */
const OPTIONS = new Set([
  'usercertfile',
  'userkeyfile',
  'maxdiscoverattempts',
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'nodepreference',
  'tls',
  'tlsverifycert',
  'tlscafile',
  'throwonappendfailure',
  'keepaliveinterval',
  'keepalivetimeout',
])

/** The client's default, in ms: how often it asks a silent connection whether it still lives. */
const DEFAULT_KEEP_ALIVE_MS = 10_000
/** How many connections are told apart before counting begins anew. */
const CONNECTION_VARIANTS = 1_000

const credentialsIn = (user: string): Credentials => {
  const [username, password, ...more] = user.split(':')
  if (!username || !password || more.length > 0) throw invalidConnectionString('before its @ there is no user:password')
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw invalidConnectionString('its user or password is not percent-encoded as it should be')
  }
}

const optionsIn = (query: string): Map<string, string> => {
  const options = new Map<string, string>()
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals < 0 ? undefined : equals)
    const key = name.trim().toLowerCase().replace(/[_-]/g, '')
    if (!OPTIONS.has(key)) throw invalidConnectionString('it has an option that does not exist')
    const value = equals < 0 ? '' : pair.slice(equals + 1).trim()
    if (value === '') throw invalidConnectionString(`its option ${name} has no value`)
    options.set(key, value)
  }
  return options
}

/**
 * Takes a connection string apart, so that the client is given one without user and password: it prints the whole
 * string with a warning about an option, and quotes it in errors. They are passed with each call instead.
 *
 * Two options are set for the client whatever the string says. Conflicts must throw: as a result they lack the actual
 * revision. And gRPC shares a connection, with the pause of up to two minutes before it is tried again, between all
 * channels of equal options; one millisecond more of keep-alive makes them unequal, so that a new client connects anew.
 *
 * @throws invalidConnectionString
 */
export const parseConnectionString = (connectionString: string): Address => {
  const text = connectionString.trim()
  const protocol = PROTOCOL.exec(text)
  if (protocol === null) throw invalidConnectionString('it does not begin with esdb:// or esdb+discover://')
  const [authority = '', ...query] = text.slice(protocol[0].length).split('?')
  const at = authority.lastIndexOf('@')
  const hosts = authority.slice(at + 1).replace(/\/+$/, '')
  const options = optionsIn(query.join('?'))
  const keepAlive = Number(options.get('keepaliveinterval') ?? DEFAULT_KEEP_ALIVE_MS)
  return {
    credentials: at < 0 ? undefined : credentialsIn(authority.slice(0, at)),
    secure: options.get('tls') !== 'false',
    forClient(n) {
      const ours = new Map(options).set('throwonappendfailure', 'true')
      if (keepAlive >= 0) ours.set('keepaliveinterval', String(keepAlive + (n % CONNECTION_VARIANTS)))
      return `esdb${protocol[1] ?? ''}://${hosts}?${[...ours].map((pair) => pair.join('=')).join('&')}`
    },
  }
}
