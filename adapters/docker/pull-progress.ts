/** Time between two lines on how far a pull is: the engine says it many times a second, for each layer. */
const SAY_EVERY_MS = 5_000
/** Layers that are counted; no image has as many. */
const MAX_LAYERS = 1_000

interface Report {
  readonly id?: string
  readonly status?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

const parse = (line: string): Report => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {} // not a report: what matters is whether the image is there in the end
  }
}

const DONE = /^(Pull complete|Already exists)/
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

/**
 * Follows a pull: gets each line of the engine's progress and the time in ms, and gives a line for people now and then.
 * @throws an Error with the engine's own words when the pull has failed
 */
export const pullProgress = (begun: number) => {
  const layers = new Map<string, { done: boolean; current: number; total: number }>()
  let said = begun

  return (line: string, now: number): string | undefined => {
    const { id, status = '', error, progressDetail } = parse(line)
    if (error !== undefined) throw new Error(error)
    if (/^(Digest|Status): /.test(status)) return status
    if (id === undefined || !/^[0-9a-f]{12}$/.test(id)) return undefined
    const known = layers.get(id) ?? { done: false, current: 0, total: 0 }
    const { current = known.current, total = known.total } = progressDetail ?? {}
    if (layers.has(id) || layers.size < MAX_LAYERS)
      layers.set(id, { done: DONE.test(status), current: Math.max(current, known.current), total })
    if (now - said < SAY_EVERY_MS) return undefined
    said = now
    const all = [...layers.values()]
    const sum = (of: 'current' | 'total') => megabytes(all.reduce((total, each) => total + each[of], 0))
    return `pulled ${all.filter(({ done }) => done).length} of ${all.length} layers, ${sum('current')} of ${sum('total')} MB`
  }
}
