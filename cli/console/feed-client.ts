import { pause } from '../../domain/kernel/pause.ts'
import type { FeedEvent, FeedEventName } from '../../proxy/inspector/feed.ts'
import { httpClient } from '../api/http.ts'
import { CliError, exitCode, interrupted, isCode } from '../errors.ts'
import { McpFailure, refusalOf } from '../mcp-client/failure.ts'
import { projectFailure } from '../mcp-client/project.ts'
import { retryMsAfter } from './retry.ts'

/** What comes of following a feed: its events with their text, and how the connection is. */
export type FeedUpdate = (FeedEvent & { readonly raw: string }) | { readonly event: 'away'; readonly reason: string }

export interface FeedOptions {
  /** mcplocal's address. */
  readonly mcplocal: string
  readonly project: string
  readonly token: string
  readonly signal: AbortSignal
}

/** mcplocal sends something every 15 s. */
const SILENCE_MS = 45_000

/**
 * A project's feed until `signal` fires. When mcplocal or mcpd is away it is waited for, longer and longer, and the caller is told.
 * @throws CliError when the token is not, or no longer, let in; `interrupted`
 */
export async function* followFeed(options: FeedOptions): AsyncGenerator<FeedUpdate> {
  for (let inVain = 0; ; inVain += 1) {
    let reason = 'mcplocal closed the connection'
    try {
      for await (const update of feedOnce(options)) {
        inVain = 0
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
    yield { event: 'away', reason }
    await pause(retryMsAfter(inVain), options.signal)
    if (options.signal.aborted) throw interrupted()
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
  const failed = (failure: McpFailure) => projectFailure(mcplocal, project, failure)
  try {
    const answer = await http.call({
      method: 'GET',
      path: `/projects/${encodeURIComponent(project)}/inspect`,
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
      signal,
      silenceMs: SILENCE_MS,
    })
    if (answer.status !== 200) throw failed(refusalOf(answer.status, await answer.text()))
    if (answer.header('content-type')?.startsWith('text/event-stream') !== true)
      throw failed(new McpFailure('refused', 'its answer is no feed'))
    let event = ''
    for await (const line of answer.lines()) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length)
      else if (line.startsWith('data: ')) {
        const raw = line.slice('data: '.length)
        yield { event: event as FeedEventName, data: JSON.parse(raw), raw } as FeedEvent & { raw: string }
      }
    }
  } catch (error) {
    throw isCode(error, 'unreachable')
      ? failed(new McpFailure('unreachable', 'no connection', { cause: error }))
      : error
  } finally {
    http.close()
  }
}

const isPassing = (error: unknown): error is CliError =>
  isCode(error, 'unreachable') || (error instanceof CliError && (error.status === 503 || error.status === 429))

const revoked = (project: string, reason: string): CliError =>
  new CliError('revoked', `${reason}: project/${project} may not be watched any more`, { exit: exitCode.denied })
