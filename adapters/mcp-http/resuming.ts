import { pause } from '../../domain/kernel/pause.ts'
import type { Call } from './calls.ts'
import { ASK_FOR_EVENTS, type Cursor, isEventStream, readUntilAnswered, resumedAt } from './event-stream.ts'
import { HttpFailure, noAnswer } from './failures.ts'
import { MAX_RESUMES } from './limits.ts'
import { pauseBefore } from './pauses.ts'
import { mayPass, readRefusal } from './refusals.ts'
import type { HttpSession } from './session.ts'

/**
 * Waits for the answer to a call whose stream ended before it: asks for what came after the last event, as often as the
 * server lets the stream end. A server may do so on purpose, to keep no connection while it works.
 * @throws HttpFailure when it cannot be had
 */
export const resume = async (
  session: HttpSession,
  call: Call,
  cursor: Cursor,
  headers: Readonly<Record<string, string>>,
): Promise<void> => {
  const { limits, random } = session.deps
  let failures = 0
  let why = 'its stream ended before'
  for (let times = 0; cursor.lastId !== undefined && failures <= limits.resumes && times < MAX_RESUMES; times++) {
    await pause(pauseBefore(failures, cursor.retryMs, limits, random), call.gone)
    const { signs } = cursor
    try {
      await readOn(session, call, cursor, headers)
    } catch (error) {
      const failure = session.failureOf(error)
      if (failure.code === 'no-answer' || failure.code === 'answer-too-large') throw error
      why = failure.reason
    }
    if (!session.calls.isOpen(call)) return
    failures = cursor.signs > signs ? 0 : failures + 1
  }
  throw new HttpFailure(noAnswer(why))
}

const readOn = (
  session: HttpSession,
  call: Call,
  cursor: Cursor,
  headers: Readonly<Record<string, string>>,
): Promise<void> =>
  session.requests.exchange(
    {
      method: 'GET',
      url: session.options.url,
      headers: { ...headers, ...ASK_FOR_EVENTS, ...resumedAt(cursor) },
      withinMs: session.deps.limits.answerMs,
      signal: call.gone,
    },
    async (answer) => {
      if (isEventStream(answer)) {
        await readUntilAnswered(answer, cursor, session, call)
        return
      }
      const { status, said, failure } = await readRefusal(answer, session)
      if (mayPass(status)) throw new HttpFailure(failure)
      throw new HttpFailure(noAnswer(`its stream ended before, and cannot be resumed (HTTP ${status}${said})`))
    },
  )
