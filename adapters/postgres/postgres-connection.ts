import pg from 'pg'
import { CodedError, coded } from '../../domain/kernel/errors.ts'

/** 503: Postgres is too old. */
export const postgresTooOld = coded(
  'postgres-too-old',
  503,
  'DATABASE_URL leads to a Postgres older than 15',
  (version: string) => ({
    message: `the read models need Postgres 15 or newer; DATABASE_URL leads to ${version}`,
    hint: 'Use a newer server, or leave DATABASE_URL out to use the embedded database',
  }),
)

/** 503: the server does not let us in. */
export const postgresRefused = coded(
  'postgres-refused',
  503,
  'Postgres refuses the credentials or the database of DATABASE_URL',
  (sqlstate: string) => ({
    message: `Postgres refuses the user, password or database of DATABASE_URL (SQLSTATE ${sqlstate})`,
    hint: 'Check DATABASE_URL; the user must be allowed to create schemas in that database',
  }),
)

const INT8 = 20
const MIN_VERSION = 150_000
/** Statements of the projector may take this long, others less. In ms. */
const PROJECTOR_TIMEOUT = 30_000
const QUERY_TIMEOUT = 10_000
/** Connections of one mcpd for its readers. */
const POOL_SIZE = 8

/** Positions, revisions and counts are bigint; `json` and `jsonb` come parsed. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format as 'text')

const configOf = (url: string, timeout: number): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'mcpd',
  connectionTimeoutMillis: 5000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  query_timeout: timeout,
  types: { getTypeParser },
})

/**
 * `host:port/database` of a URL, for people: never its user or password, and nothing of a URL where an unescaped
 * character may have moved a part of the password elsewhere.
 */
export const placeOf = (url: string): string => {
  try {
    const { username, pathname, search, hash } = new URL(url)
    const astray = `${pathname}${search}${hash}`.includes('@') || (url.includes('@') && username === '')
    if (astray) return UNNAMED
    // The driver knows the defaults; without a database in the URL it takes the user's name for one.
    const { host, port, database } = new pg.Client({ connectionString: url })
    const server = `${host.includes(':') ? `[${host}]` : host}:${port}`
    return pathname.length > 1 ? `${server}/${database}` : server
  } catch {
    return UNNAMED // the attempt to connect says what is wrong with it
  }
}
const UNNAMED = 'the server of DATABASE_URL'

/** What went wrong, without the driver's text: that may name the user. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof CodedError) return error.message
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  if (/timeout/i.test(error.message)) return 'timed out'
  return /terminated|ended/i.test(error.message) ? 'the connection was lost' : error.name
}

/** The readers' connections. */
export const createPool = (url: string): pg.Pool =>
  new pg.Pool({ ...configOf(url, QUERY_TIMEOUT), max: POOL_SIZE, idleTimeoutMillis: 30_000 })

/** A connection of the projector's own. @throws postgres-too-old, postgres-refused, or the connection's error */
export const connectProjector = async (url: string, onLost: (error: Error) => void): Promise<pg.Client> => {
  const client = new pg.Client(configOf(url, PROJECTOR_TIMEOUT))
  client.on('error', onLost)
  client.on('end', () => onLost(new Error('the connection has ended')))
  try {
    await client.connect()
    const { rows } = await client.query<{ number: string; version: string }>(
      `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
    )
    if (Number(rows[0]?.number) < MIN_VERSION) throw postgresTooOld(String(rows[0]?.version))
    return client
  } catch (error) {
    await client.end().catch(() => undefined) // it may never have been connected
    throw refused(error)
  }
}

const refused = (error: unknown): unknown => {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error
  return error.code.startsWith('28') || error.code === '3D000' || error.code === '42501'
    ? postgresRefused(error.code)
    : error
}
