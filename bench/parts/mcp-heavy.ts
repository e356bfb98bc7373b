import { messageOf } from '../../domain/kernel/errors.ts'
import { type Endpoint, openSession, type RawSession } from './mcp-client.ts'
import { median, timed } from './measure.ts'

const MEGABYTES = 10
const STEPS = 60

/** One session with the load server: a big result, and a stream of progress notifications. NaN for what does not come through. */
export const heavyRound = async (endpoint: Endpoint): Promise<{ result_10mb_ms: number; progress_ms: number }> => {
  const prefix = endpoint.tool.slice(0, -'echo'.length)
  return {
    result_10mb_ms: await orNothing(endpoint, (session) => bigResult(session, `${prefix}text`)),
    progress_ms: await orNothing(endpoint, (session) => progress(session, `${prefix}progress`)),
  }
}

const orNothing = async (endpoint: Endpoint, measure: (session: RawSession) => Promise<number>): Promise<number> => {
  try {
    const session = await openSession(endpoint)
    const measured = await measure(session)
    await session.end()
    return measured
  } catch (error) {
    console.error(`${endpoint.url}: ${messageOf(error)}`)
    return Number.NaN
  }
}

const bigResult = async (session: RawSession, name: string): Promise<number> => {
  let body = ''
  const took = await timed(async () => {
    body = await session.request('tools/call', { name, arguments: { megabytes: MEGABYTES } })
  })
  if (body.length < MEGABYTES * 1024 * 1024) throw new Error(`not the whole result: ${body.slice(0, 300)}`)
  return took
}

const progress = async (session: RawSession, name: string): Promise<number> => {
  const latencies: number[] = []
  const params = { name, arguments: { steps: STEPS }, _meta: { progressToken: 'p' } }
  await session.request('tools/call', params, (piece) => {
    const now = performance.timeOrigin + performance.now()
    for (const [, sent] of piece.matchAll(/"message":"([\d.]+)"/g)) latencies.push(now - Number(sent))
  })
  if (latencies.length < STEPS) throw new Error(`${latencies.length} of ${STEPS} progress notifications came`)
  return median(latencies)
}
