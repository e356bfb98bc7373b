import { codeOf } from '../../domain/kernel/errors.ts'
import { RefusedAddress } from './connector.ts'
import { type Failure, HttpFailure, placeOf } from './failures.ts'
import type { HttpLimits } from './limits.ts'

/** Where a certificate of one's own is made known to Node. */
const TRUST = 'If the certificate is right, name its issuer in a PEM file with NODE_EXTRA_CA_CERTS for mcpd.'

const TLS: Readonly<Record<string, { readonly is: string; readonly hint: string }>> = {
  CERT_HAS_EXPIRED: { is: 'has expired', hint: 'Renew it at the server.' },
  CERT_NOT_YET_VALID: { is: 'is not valid yet', hint: 'Look at the clocks of the server and of this machine.' },
  CERT_REVOKED: { is: 'was revoked', hint: 'Replace it at the server.' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { is: 'is self-signed', hint: TRUST },
  SELF_SIGNED_CERT_IN_CHAIN: { is: 'has an issuer that is not known here (self-signed)', hint: TRUST },
  UNABLE_TO_GET_ISSUER_CERT: { is: 'has an issuer that is not known here', hint: TRUST },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { is: 'has an issuer that is not known here', hint: TRUST },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { is: 'has an issuer that is not known here', hint: TRUST },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    is: 'is for another host',
    hint: 'Give the URL with the name that stands in the certificate.',
  },
}

const UNREACHABLE: Readonly<Record<string, { readonly is: string; readonly hint?: string }>> = {
  ECONNREFUSED: { is: 'nobody listens there', hint: 'Is the server running, and on that port?' },
  ENOTFOUND: { is: 'its name is not known', hint: 'Look at the name in the URL.' },
  EAI_AGAIN: { is: 'its name cannot be resolved at the moment', hint: "Look at this machine's DNS." },
  EAI_FAIL: { is: 'its name cannot be resolved', hint: "Look at this machine's DNS." },
  EHOSTUNREACH: { is: 'there is no way to that host' },
  ENETUNREACH: { is: 'there is no way to that network' },
  EADDRNOTAVAIL: { is: 'this machine has no address or port left for it' },
  EMFILE: { is: 'mcpd has too many files and connections open' },
}

/** Why a request failed below HTTP's answers: addresses, names, connections, TLS, deadlines, what is no HTTP. */
export const networkFailure = (error: unknown, url: URL, limits: HttpLimits): Failure => {
  if (error instanceof HttpFailure) return error.failure
  if (error instanceof RefusedAddress) return addressRefused(error, url)
  const cause = causeOf(error)
  const code = `${codeOf(cause) ?? ''}`
  const place = placeOf(url)
  const cannot = `The server at ${place} cannot be reached`
  const tls = TLS[code]
  if (tls !== undefined) return failure('server-tls', `${cannot}: its certificate ${tls.is} (${code})`, 'no', tls.hint)
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return failure('server-tls', `${cannot}: it does not speak TLS as it should (${sslReason(cause)})`, 'no', PLAIN)
  const unreachable = UNREACHABLE[code]
  if (unreachable !== undefined)
    return failure('server-unreachable', `${cannot}: ${unreachable.is} (${code})`, 'no', unreachable.hint)
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || (code === 'ETIMEDOUT' && syscallOf(cause) === 'connect'))
    return failure('server-timeout', `${cannot}: no connection within ${limits.connectMs / 1000} s`, 'no')
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return failure('server-timeout', `The server at ${place} did not begin to answer in time`, 'unknown')
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return failure('answer-too-large', `The headers of the answer of ${place} are too long`, 'unknown')
  if (nameOf(cause) === 'HTTPParserError')
    return failure('no-http', `What answers at ${place} does not speak HTTP`, 'unknown', HTTPS)
  if (code === 'UND_ERR_INVALID_ARG') return notSendable(cause)
  if (code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR_'))
    return failure('no-answer', `The answer of ${place} cannot be unpacked (${code})`, 'unknown')
  return failure('connection-lost', `The connection to ${place} broke off (${code || nameOf(cause)})`, 'unknown')
}

/** Whether a server that is still starting would fail like this: nobody listens yet, or what stands before it has nobody behind it. */
export const isNotUpYet = ({ code, details }: Failure): boolean =>
  code === 'server-unreachable' || code === 'connection-lost' || details?.status === 502 || details?.status === 503

const PLAIN = 'If it speaks plain HTTP, the URL begins with http://.'
const HTTPS = 'If it speaks TLS, the URL begins with https://.'

const failure = (code: string, reason: string, ran: Failure['ran'], hint?: string): Failure => ({
  code,
  reason,
  ran,
  ...(hint === undefined ? {} : { hint }),
})

const addressRefused = ({ address, what }: RefusedAddress, url: URL): Failure =>
  failure(
    'address-refused',
    `${placeOf(url)} leads to ${address}, which is ${what}: requests do not go there`,
    'no',
    'If that is meant, set allowLinkLocal: true in the spec of the server.',
  )

/** undici names the header, not its value. */
const notSendable = (error: unknown): Failure => {
  const header = /^invalid (\S+) header$/.exec(error instanceof Error ? error.message : '')?.[1]
  const which = header === undefined ? 'A header' : `The header ${header}`
  return failure('header-unsendable', `${which} has a value that HTTP cannot carry`, 'no', 'Look at its secret.')
}

/** Of several addresses that were tried, the first one's error; of a fetch that failed, its cause. */
const causeOf = (error: unknown): unknown => {
  if (error instanceof AggregateError) return error.errors[0] ?? error
  if (error instanceof Error && codeOf(error) === undefined && error.cause !== undefined) return error.cause
  return error
}
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
const syscallOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'syscall' in error ? error.syscall : undefined
const sslReason = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'reason' in error ? `${error.reason}` : `${codeOf(error)}`
