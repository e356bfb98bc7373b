import { isObject } from '../../domain/kernel/json.ts'
import { type Failure, HttpFailure } from './failures.ts'
import type { HttpAnswer } from './http-client.ts'
import { MAX_REFUSAL } from './limits.ts'
import { messagesIn } from './messages.ts'
import { readText } from './reading.ts'
import type { HttpSession } from './session.ts'
import { statusFailure } from './status-failures.ts'

/** An answer that is no success, read. */
export interface Refusal {
  readonly status: number
  readonly text: string
  /** `: "…"`, the beginning of what it says; '' if it says nothing. */
  readonly said: string
  readonly failure: Failure
}

export const isSuccess = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300

/** Whether asking again later may help. 409: the server has not noticed yet that the stream before has ended. */
export const mayPass = (status: number): boolean =>
  (status >= 500 && status !== 501) || [408, 409, 425, 429].includes(status)

export const readRefusal = async (answer: HttpAnswer, session: HttpSession): Promise<Refusal> => {
  const { status } = answer
  const text = await textOf(answer, session)
  const said = session.quoted(messageOf(text) ?? text)
  const { transport } = session.options
  const refused = { status, retryAfter: answer.header('retry-after'), said, transport }
  return { status, text, said, failure: statusFailure(refused, session.deps.now()) }
}

/** A body that cannot be read does not matter: the status has said it. */
const textOf = async ({ body }: HttpAnswer, session: HttpSession): Promise<string> => {
  try {
    return await readText(body, { maxBytes: MAX_REFUSAL, silenceMs: session.deps.limits.goodbyeMs })
  } catch (error) {
    session.debug('the body of a refusal could not be read', { reason: session.failureOf(error).reason })
    return ''
  }
}

/** What an error in JSON-RPC says. */
const messageOf = (text: string): string | undefined => {
  const [message] = messagesIn(text) ?? []
  const error = message?.error
  return isObject(error) && typeof error.message === 'string' ? error.message : undefined
}

/** @throws HttpFailure if the answer is no success */
export const expectSuccess = async (answer: HttpAnswer, session: HttpSession): Promise<void> => {
  if (!isSuccess(answer)) throw new HttpFailure((await readRefusal(answer, session)).failure)
}
