import type { Probe, ProbeAnswer } from '../../domain/instance/host.ts'
import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { textOf } from './rpc.ts'
import { MAX_SHOWN_CHARACTERS, shownResult } from './shown-result.ts'
import type { Upstream } from './upstream.ts'

/** Longest reason of a failed probe, in characters: it becomes part of an event. */
const MAX_REASON = 500
/** A deadline is counted in steps, so many and no longer than that: however long the machine stood still, it was one step. */
const STEPS = 4
const STEP_MS = 1000

/**
 * Sends one request on the way that clients' requests take, and waits for its answer, `timeoutMs` at most. What the server
 * says instead of a good answer goes into the reason, without what is secret.
 */
export const probeUpstream = (
  upstream: Upstream,
  { method, params, timeoutMs, shown, signal }: Probe,
  redact: (text: string) => string,
): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const settle = (answer: ProbeAnswer): void => {
      stopClock()
      signal.removeEventListener('abort', onAbort)
      attachment.detach()
      resolve(answer)
    }
    const fail = (reason: string, result?: JsonObject): void =>
      settle({
        ok: false,
        reason: redact(reason).slice(0, MAX_REASON),
        ...(result === undefined ? {} : { result }),
      })
    const onAbort = (): void => fail('nobody wants to know any more')
    const attachment = upstream.attach(
      {
        isProbe: true,
        deliver(message) {
          if (message.id !== PROBE_ID || message.method !== undefined) return
          const result = isObject(message.result) ? message.result : {}
          const failure = failureOf(message)
          const told = shown === true ? shownResult(result, redact) : result
          if (told === undefined) fail(TOO_LONG)
          else if (failure === undefined) settle({ ok: true, result: told })
          else fail(failure, message.result === undefined ? undefined : told)
        },
        finished: () => {},
        // Its end does not wait for this.
        draining: () => fail('it is being stopped'),
        ended: (reason) => fail(`it ended: ${reason}`),
      },
      { subscriptions: new Set() },
    )
    const stopClock = afterLivedTime(timeoutMs, () => fail(`no answer within ${timeoutMs / 1000} s`))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else attachment.send({ jsonrpc: '2.0', id: PROBE_ID, method, params })
  })

const PROBE_ID = 'probe'
const TOO_LONG = `its answer is longer than ${MAX_SHOWN_CHARACTERS / 1024 ** 2} MiB, which is too long to be shown`

/** Why an answer is no good one; undefined when it is. */
const failureOf = ({ error, result }: RpcMessage): string | undefined => {
  if (error !== undefined) return `${error.message} (${error.code})`
  if (!isObject(result)) return 'its answer has no result'
  return result.isError === true ? `isError: ${firstText(result)}` : undefined
}

const firstText = ({ content }: JsonObject): string => {
  const [first]: readonly (JsonValue | undefined)[] = Array.isArray(content) ? content : []
  return (isObject(first) ? textOf(first.text) : undefined) ?? 'it gave no reason'
}

/**
 * Calls `due` after so much time in which this process ran: when it or the whole machine was stopped, answers that wait to
 * be read are read first, and others have time to do their part, too. @returns stops it
 */
const afterLivedTime = (ms: number, due: () => void): (() => void) => {
  const length = Math.min(ms / STEPS, STEP_MS)
  let left = ms
  let timer: NodeJS.Timeout | undefined
  let last: NodeJS.Immediate | undefined
  const step = (): void => {
    timer = setTimeout(() => {
      left -= length
      if (left > 0) step()
      else last = setImmediate(due) // what has come is read before that
    }, length)
  }
  step()
  return () => {
    clearTimeout(timer)
    clearImmediate(last)
  }
}
