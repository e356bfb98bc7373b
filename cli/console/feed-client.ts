import { pause } from '../../domain/kernel/pause.ts'
import type { FeedEvent, FeedEventName } from '../../proxy/inspector/feed.ts'
import { httpClient } from '../api/http.ts'
import { CliError, exitCode, interrupted, isCode } from '../errors.ts'

/** What comes of following a feed: its events with their text, and how the connection is. */
export type FeedUpdate =
  | (FeedEvent & { readonly raw: string })
  | { readonly event: 'away'; readonly reason: string; readonly retryMs: number }

export interface FeedOptions {
  /** mcplocal's address. */
  readonly mcplocal: string
  readonly project: string
  readonly token: string
  readonly signal: AbortSignal
  readonly random?: () => number
}

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 10_000
/** mcplocal sends something every 15 s. */
const SILENCE_MS = 45_000

/**
 * A project's feed until `signal` fires. When mcplocal or mcpd is away it is waited for, longer and longer, and the caller is told.
 * @throws CliError when the token is not, or no longer, let in; `interrupted`
 */
export async function* followFeed(options: FeedOptions): AsyncGenerator<FeedUpdate> {
  const random = options.random ?? Math.random
  let wait = FIRST_RETRY_MS
  for (;;) {
    let reason = 'mcplocal closed the connection'
    try {
      for await (const update of feedOnce(options)) {
        wait = FIRST_RETRY_MS
        if (update.event === 'end') {
          if (update.data.code === 'revoked') throw revoked(options.project, update.data.reason)
          reason = update.data.reason
        } else yield update
      }
    } catch (error) {
      if (options.signal.aborted) throw interrupted()
      if (!isPassing(error)) throw error
      reason = error.message
    }
    const retryMs = wait * (0.5 + random())
    yield { event: 'away', reason, retryMs }
    await pause(retryMs, options.signal)
    if (options.signal.aborted) throw interrupted()
    wait = Math.min(wait * 2, LAST_RETRY_MS)
  }
}

/** One connection. */
async function* feedOnce({
  mcplocal,
  project,
  token,
  signal,
}: FeedOptions): AsyncGenerator<FeedEvent & { raw: string }> {
  const http = await httpClient(mcplocal)
  try {
    const answer = await http.call({
      method: 'GET',
      path: `/projects/${encodeURIComponent(project)}/inspect`,
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
      signal,
      silenceMs: SILENCE_MS,
    })
    if (answer.status !== 200) throw refusalOf(answer.status, await answer.text(), project)
    if (answer.header('content-type')?.startsWith('text/event-stream') !== true) throw notMcplocal(mcplocal)
    let event = ''
    for await (const line of answer.lines()) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length)
      else if (line.startsWith('data: ')) {
        const raw = line.slice('data: '.length)
        yield { event: event as FeedEventName, data: JSON.parse(raw), raw } as FeedEvent & { raw: string }
      }
    }
  } catch (error) {
    throw isCode(error, 'unreachable') ? unreachable(mcplocal, error) : error
  } finally {
    http.close()
  }
}

const isPassing = (error: unknown): error is CliError =>
  isCode(error, 'unreachable') || (error instanceof CliError && (error.status === 503 || error.status === 429))

const unreachable = (mcplocal: string, cause: Error): CliError =>
  new CliError('unreachable', `mcplocal does not answer at ${mcplocal}`, {
    hint: 'Start it with "mcpctl up", or say where it is with MCPCTL_MCPLOCAL',
    exit: exitCode.unreachable,
    cause,
  })

const notMcplocal = (mcplocal: string): CliError =>
  new CliError('not-mcplocal', `what answers at ${mcplocal} is not mcplocal`, {
    hint: 'Look at MCPCTL_MCPLOCAL and "mcpctl config view"',
  })

const revoked = (project: string, reason: string): CliError =>
  new CliError('revoked', `${reason}: project/${project} may not be watched any more`, { exit: exitCode.denied })

/** What mcplocal says when it does not let somebody in: a JSON-RPC error. */
const refusalOf = (status: number, body: string, project: string): CliError => {
  const { message, code, hint } = errorIn(body)
  const denied = status === 401 || status === 403
  return new CliError(code ?? 'refused', `project/${project}: ${message ?? `mcplocal answers with HTTP ${status}`}`, {
    status,
    hint: status === 401 ? 'Log in with "mcpctl login"; "mcpctl whoami" shows who you are' : hint,
    exit: denied ? exitCode.denied : status === 503 ? exitCode.unreachable : exitCode.failed,
  })
}

const errorIn = (body: string): { message?: string; code?: string; hint?: string } => {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string; data?: { code?: string; hint?: string } } }
    const { message, data } = error ?? {}
    return {
      ...(typeof message === 'string' ? { message } : {}),
      ...(typeof data?.code === 'string' ? { code: data.code } : {}),
      ...(typeof data?.hint === 'string' ? { hint: data.hint } : {}),
    }
  } catch {
    return {} // no JSON: the status says what there is to say
  }
}
