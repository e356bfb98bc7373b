import type { Finding } from './findings.ts'

/** Which cases of a family are run. */
export interface Selection {
  readonly seed: number
  /** Cases of each part. */
  readonly cases: number
  /** Only this part, and of it only this case. */
  readonly part?: string | undefined
  readonly index?: number | undefined
}

/** How many inputs each part has had, and what was wrong. */
export interface Report {
  readonly counts: ReadonlyMap<string, number>
  readonly findings: readonly Finding[]
}

/** A request that has no whole answer after so long hangs: far more than a busy machine needs. */
export const DEADLINE_MS = 30_000

/** Of an answer to more than this many bytes the client may not get to read: the server ends the connection before it has read them. */
export const MAX_READ_WHOLE = 1024 * 1024

/** The parts that are wanted. */
export const partsOf = ({ part }: Selection, all: readonly string[]): readonly string[] =>
  all.filter((each) => part === undefined || part === each)

/** Numbers of the cases of one part. */
export const indexesOf = ({ cases, index }: Selection): readonly number[] =>
  index === undefined ? Array.from({ length: cases }, (_, i) => i) : [index]

/** Lets `workers` of them work at once; each takes the next index until there is none. */
export const concurrently = async (
  indexes: readonly number[],
  workers: number,
  work: (next: () => number | undefined) => Promise<void>,
): Promise<void> => {
  const waiting = [...indexes]
  await Promise.all(Array.from({ length: workers }, () => work(() => waiting.shift())))
}
