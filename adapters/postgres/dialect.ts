import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'

/** Something that runs one statement at a time and answers its rows. */
export interface SqlChannel {
  query(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly object[] }>
}

/**
 * Kysely on one connection that is not pooled: a `pg.Client`, a PGlite, or a thread that has one. With `transactions`,
 * whoever has the connection has it alone, so that nobody's statement falls into another's transaction.
 */
export const channelDialect = (channel: SqlChannel, options: { readonly transactions: boolean }): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new ChannelDriver(channel, options.transactions),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
})

class ChannelDriver implements Driver {
  readonly #connection: DatabaseConnection
  readonly #transactions: boolean
  readonly #queue: (() => void)[] = []
  #taken = false

  constructor(channel: SqlChannel, transactions: boolean) {
    this.#connection = new ChannelConnection(channel)
    this.#transactions = transactions
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#transactions && this.#taken) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#taken = true
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    // The connection goes from hand to hand: `taken` stays set while somebody waits.
    const next = this.#queue.shift()
    if (next === undefined) this.#taken = false
    else next()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    if (!this.#transactions) throw new Error('this channel has no transactions')
    await connection.executeQuery(CompiledQuery.raw('begin'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async destroy(): Promise<void> {}
}

class ChannelConnection implements DatabaseConnection {
  readonly #channel: SqlChannel

  constructor(channel: SqlChannel) {
    this.#channel = channel
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows } = await this.#channel.query(sql, parameters)
    return { rows: rows as Row[] }
  }

  // biome-ignore lint/correctness/useYield: nothing streams; the interface wants a generator
  async *streamQuery<Row>(): AsyncGenerator<QueryResult<Row>> {
    throw new Error('this channel does not stream')
  }
}
