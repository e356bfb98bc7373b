import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import type { Logger } from '../../domain/kernel/logger.ts'
import { readModelUnavailable } from '../../queries/errors.ts'
import { createPool, reasonOf } from './postgres-connection.ts'

/** The readers' connections. Who gets none is told from which server, and why. */
export const createReaders = (url: string, database: string, logger: Logger): PostgresPool => {
  const pool = createPool(url)
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => logger.debug({ database }, 'an idle database connection broke'))
  // One that breaks while a query has it: the query is rejected with the same error, but without a listener this one would
  // end the process. The pool listens only while a connection is idle.
  pool.on('connect', (client) =>
    client.on('error', () => logger.debug({ database }, 'a database connection broke under a query')),
  )
  return {
    async connect() {
      try {
        return reader(await pool.connect())
      } catch (error) {
        throw readModelUnavailable(`cannot connect to ${database} (${reasonOf(error)})`)
      }
    },
    end: () => pool.end(),
  }
}

/** A connection that did not answer in time is not given to the next one: it would still wait for that answer. */
const reader = (client: pg.PoolClient): PostgresPoolClient => {
  let unanswered = false
  const query = async (text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> => {
    try {
      return await client.query(text, [...parameters])
    } catch (error) {
      unanswered = error instanceof Error && /timeout/i.test(error.message)
      throw error
    }
  }
  // Nothing here streams, so cursors need not pass.
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(unanswered) }
}
