/** The SQLSTATE of a database's error, or undefined: then it is the connection's, or not the database's at all. */
export const sqlState = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string')
    return undefined
  return /^(?!E)[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}

/** Whether the database refuses the values themselves: a repeat fails alike, whereas an outage passes. */
export const isDataError = (error: unknown): boolean => {
  const state = sqlState(error)
  return state !== undefined && ['22', '23', '54'].includes(state.slice(0, 2))
}
