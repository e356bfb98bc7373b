import { type Endpoint, openSession } from './mcp-client.ts'
import { median, timed } from './measure.ts'

const MEGABYTES = 10
const STEPS = 60
/** What stands before `echo` in the names of the others. */
const prefixOf = (endpoint: Endpoint): string => endpoint.tool.slice(0, -'echo'.length)

/** One session with the load server: a big result, and a stream of progress notifications. */
export const heavyRound = async (endpoint: Endpoint): Promise<{ result_10mb_ms: number; progress_ms: number }> => {
  const session = await openSession(endpoint)
  const name = (tool: string) => `${prefixOf(endpoint)}${tool}`
  let body = ''
  const result_10mb_ms = await timed(async () => {
    body = await session.request('tools/call', { name: name('text'), arguments: { megabytes: MEGABYTES } })
  })
  if (body.length < MEGABYTES * 1024 * 1024) throw new Error(`not the whole result: ${body.slice(0, 300)}`)
  const latencies: number[] = []
  const params = { name: name('progress'), arguments: { steps: STEPS }, _meta: { progressToken: 'p' } }
  await session.request('tools/call', params, (piece) => {
    const now = performance.timeOrigin + performance.now()
    for (const [, sent] of piece.matchAll(/"message":"([\d.]+)"/g)) latencies.push(now - Number(sent))
  })
  if (latencies.length < STEPS) throw new Error(`${latencies.length} of ${STEPS} progress notifications came`)
  await session.end()
  return { result_10mb_ms, progress_ms: median(latencies) }
}
