import type { ReadSide } from '../../queries/read-side.ts'

/** Resolves when a row of `kind` has changed after `position`, when `timeoutMs` is over, or when `signal` aborts: the client has left, or mcpd ends. */
export const changedSince = (
  readSide: ReadSide,
  kind: string,
  position: bigint,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      stopListening()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timeoutMs)
    const stopListening = readSide.changes((changed, _names, at) => {
      if (changed === kind && at > position) done()
    })
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    // What changed between the caller's last read and now was not heard: look once.
    readSide.queries.lastChange(kind).then(
      (last) => {
        if (last !== undefined && last > position) done()
      },
      (error: unknown) => {
        done()
        reject(error instanceof Error ? error : new Error(String(error)))
      },
    )
  })
