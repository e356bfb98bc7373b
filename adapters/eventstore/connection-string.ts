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

/** The same expression as the client's own: a user without password is part of the host there. */
const CREDENTIALS = /^[^:]+:\/\/([^:]+:[^@]+)@/
const PROTOCOL = /^(esdb|kurrentdb|kurrent|kdb)(\+discover)?:\/\//
const KEEP_ALIVE = /[?&]keep[-_]?alive[-_]?interval=(-?\d+)/i

/** The client's default, in ms: how often it asks a silent connection whether it still lives. */
const DEFAULT_KEEP_ALIVE_MS = 10_000
/** How many connections are told apart before counting begins anew. */
const CONNECTION_VARIANTS = 1_000

/** The string as this client understands it: KurrentDB's names for the protocol are newer than it. */
export const normalise = (connectionString: string): string => {
  const trimmed = connectionString.trim()
  const match = PROTOCOL.exec(trimmed)
  if (match === null) throw invalidConnectionString('it does not begin with esdb:// or esdb+discover://')
  return `esdb${match[2] ?? ''}://${trimmed.slice(match[0].length)}`
}

/** User and password in a connection string, or undefined. */
export const credentialsIn = (connectionString: string): Credentials | undefined => {
  const [username, password] = CREDENTIALS.exec(connectionString)?.[1]?.split(':') ?? []
  if (username === undefined || password === undefined) return undefined
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw invalidConnectionString('its user or password is not percent-encoded as it should be')
  }
}

/** Whether the connection is encrypted: it is, unless the string says `tls=false`. */
export const isSecure = (connectionString: string): boolean => !/[?&]tls=false(&|$)/i.test(connectionString)

/**
 * The same string for the n-th client of a program. gRPC shares a connection, and the pause of up to two minutes before
 * it is tried again, between all channels of equal options; one millisecond more of keep-alive makes them unequal, so
 * that a new client really connects anew.
 */
export const forClient = (connectionString: string, n: number): string => {
  // Of an option that stands twice the last one counts. Conflicts must throw: as a result they lack the revision.
  const separator = connectionString.includes('?') ? '&' : '?'
  const throwing = `${connectionString}${separator}throwOnAppendFailure=true`
  const wanted = Number(KEEP_ALIVE.exec(connectionString)?.[1] ?? DEFAULT_KEEP_ALIVE_MS)
  return wanted < 0 ? throwing : `${throwing}&keepAliveInterval=${wanted + (n % CONNECTION_VARIANTS)}`
}
