import { pause } from '../../domain/kernel/pause.ts'
import { ASK_FOR_EVENTS, type Cursor, isEventStream, readMessages, resumedAt } from './event-stream.ts'
import type { Failure } from './failures.ts'
import type { HttpAnswer } from './http-client.ts'
import { pauseBefore } from './pauses.ts'
import { mayPass, type Refusal, readRefusal } from './refusals.ts'
import type { HttpSession } from './session.ts'

type Outcome =
  /** The stream stood, and ended. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'failed'; readonly failure: Failure }

/**
 * Reads what the server says by itself, on the stream that a GET opens, for as long as the session lasts. A server need
 * not have one; one that has is asked again whenever it ends.
 */
export const listen = async (session: HttpSession, headers: Readonly<Record<string, string>>): Promise<void> => {
  const { limits, random } = session.deps
  const cursor: Cursor = { signs: 0 }
  let failures = 0
  let stood = false
  while (!session.isOver) {
    const { signs } = cursor
    const since = performance.now()
    const outcome = await once(session, headers, cursor, () => {
      stood = true
    })
    if (session.isOver || isLast(session, outcome, stood)) return
    const wasAlive = cursor.signs > signs || (outcome.kind !== 'refused' && performance.now() - since > limits.steadyMs)
    failures = wasAlive ? 0 : failures + 1
    if (failures > limits.reconnects) {
      giveUp(session, outcome)
      return
    }
    await pause(pauseBefore(failures, cursor.retryMs, limits, random), session.requests.over)
  }
}

const once = async (
  session: HttpSession,
  headers: Readonly<Record<string, string>>,
  cursor: Cursor,
  onOpen: () => void,
): Promise<Outcome> => {
  const request = {
    method: 'GET' as const,
    url: session.options.url,
    headers: { ...headers, ...ASK_FOR_EVENTS, ...resumedAt(cursor) },
    withinMs: session.deps.limits.answerMs,
  }
  const read = async (answer: HttpAnswer): Promise<Outcome> => {
    if (!isEventStream(answer)) return { kind: 'refused', refusal: await readRefusal(answer, session) }
    onOpen()
    await readMessages(answer, cursor, session)
    return { kind: 'ended' }
  }
  try {
    return await session.requests.exchange(request, read)
  } catch (error) {
    return { kind: 'failed', failure: session.failureOf(error) }
  }
}

/** Whether there is no use in asking again. */
const isLast = (session: HttpSession, outcome: Outcome, stood: boolean): boolean => {
  if (outcome.kind === 'failed' && outcome.failure.code === 'answer-too-large') {
    session.end(outcome.failure.reason, session.deps.limits.goodbyeMs)
    return true
  }
  if (outcome.kind !== 'refused') return false
  const { status, said } = outcome.refusal
  if (mayPass(status)) return false
  if (stood && (status === 400 || status === 404))
    session.end(`it does not know the session any more (HTTP ${status})${said}`, 0)
  else if (status === 401 || status === 403 || stood)
    session.log('mcpd', `what the server says by itself does not arrive: ${outcome.refusal.failure.reason}`)
  // 405 by the standard. Others have no such path, or answer something that is no stream.
  else session.debug('the server has no stream of its own', { status })
  return true
}

const giveUp = (session: HttpSession, outcome: Outcome): void => {
  const { reconnects } = session.deps.limits
  if (outcome.kind === 'failed') {
    session.end(`it is gone: ${reconnects} attempts to reach it have failed. ${outcome.failure.reason}`, 0)
    return
  }
  const why = outcome.kind === 'ended' ? 'it ends as soon as it is opened' : outcome.refusal.failure.reason
  session.log('mcpd', `what the server says by itself does not arrive, after ${reconnects} attempts: ${why}`)
}
