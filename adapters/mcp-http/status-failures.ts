import type { HttpAccess } from '../../domain/instance/runtime.ts'
import type { Failure } from './failures.ts'

/** An answer that refuses. */
export interface Refused {
  readonly status: number
  /** Of the header of that name. */
  readonly retryAfter: string | undefined
  /** `: "…"` with the beginning of the body, without secrets; '' without one. */
  readonly said: string
  readonly transport: HttpAccess['transport']
}

/** Why a request failed that was answered with an HTTP status that is no success. */
export const statusFailure = ({ status, retryAfter, said, transport }: Refused, now: Date): Failure => {
  const details = { status }
  const answered = `The server answered HTTP ${status}`
  switch (status) {
    case 401:
    case 403:
      return {
        code: 'credentials-refused',
        reason: `${answered}: it wants ${status === 401 ? 'credentials' : 'other credentials'}${said}`,
        hint: 'Give them with headers in the spec of the server, from a secret: [{name: Authorization, valueFrom: {secretRef: …}}].',
        ran: 'no',
        details,
      }
    case 404:
    case 405:
      return {
        code: 'wrong-endpoint',
        reason: `${answered}: there is no MCP endpoint of ${transport}${said}`,
        hint: OTHER_TRANSPORT[transport],
        ran: 'no',
        details,
      }
    case 413:
      return { code: 'http-status', reason: `${answered}: the message is too long for it${said}`, ran: 'no', details }
    case 429:
    case 503: {
      const seconds = secondsOf(retryAfter, now)
      const again = seconds === undefined ? 'later' : `in ${seconds} s`
      return {
        code: 'server-busy',
        reason: `${answered}: it takes no more requests at the moment${said}`,
        hint: `Try again ${again}.`,
        ran: 'no',
        details: seconds === undefined ? details : { ...details, retryAfter: seconds },
      }
    }
    default:
      return { code: 'http-status', reason: `${answered}${said}`, ran: status < 500 ? 'no' : 'unknown', details }
  }
}

const OTHER_TRANSPORT: Readonly<Record<HttpAccess['transport'], string>> = {
  STREAMABLE_HTTP: 'Look at the path of the URL; a server of the old pair of endpoints needs transport: SSE.',
  SSE: 'Look at the path of the URL; a server of today needs transport: STREAMABLE_HTTP.',
}

/** Seconds, given as such or as a date. */
const secondsOf = (retryAfter: string | undefined, now: Date): number | undefined => {
  if (retryAfter === undefined) return undefined
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter)
  const at = Date.parse(retryAfter)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now.getTime()) / 1000))
}
