import { setTimeout as sleep } from 'node:timers/promises'
import type { Candidate } from './mcp-candidates.ts'
import { openSession, type RawSession } from './mcp-client.ts'
import { resident } from './resident.ts'

const SESSIONS = 200
const SETTLE_MS = 3_000

/** What each session takes in mcplocal, in MB of anonymous memory: 200 that have called once and stay open. */
export const sessionMemory = async ({ endpoint, pid = 0 }: Candidate): Promise<{ session_mb: number }> => {
  const sessions: RawSession[] = []
  const open = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const session = await openSession(endpoint)
      await session.echo()
      sessions.push(session)
    }
  }
  await sleep(SETTLE_MS)
  const before = resident(pid).anon
  await open(SESSIONS)
  await sleep(SETTLE_MS)
  const after = resident(pid).anon
  await Promise.all(sessions.map((session) => session.end()))
  return { session_mb: Math.round(((after - before) / SESSIONS) * 1000) / 1000 }
}
