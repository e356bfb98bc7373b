import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * What a program prints, on either stream, and what `wanted` makes of the first line that it makes something of. That
 * rejects with all that was printed when the program ends before, or takes longer than `ms`.
 */
export const printed = <Value>(
  child: ChildProcess,
  wanted: (line: string) => Value | undefined,
  ms: number,
): { readonly log: () => string; readonly found: Promise<Value> } => {
  const lines: string[] = []
  const log = (): string => lines.join('\n')
  const found = new Promise<Value>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(late)
      reject(new Error(`${why}:\n${log()}`))
    }
    const late = setTimeout(fail, ms, 'not ready')
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue
      createInterface({ input }).on('line', (line) => {
        lines.push(line)
        const value = wanted(line)
        if (value === undefined) return
        clearTimeout(late)
        resolve(value)
      })
    }
    child.once('close', (code, signal) => fail(`ended with ${code ?? signal}`))
  })
  return { log, found }
}
