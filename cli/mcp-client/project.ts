import type { Deps } from '../deps.ts'
import { CliError, exitCode } from '../errors.ts'
import { findKind, withNearestName } from '../targets.ts'
import type { ConnectOptions, McpConnection } from './connect.ts'
import { projectEndpoint } from './endpoint.ts'
import type { McpFailure } from './failure.ts'

/** How long mcplocal may take for an answer: it gives a server ten minutes for a call itself. */
const ANSWER_MS = 11 * 60_000

/**
 * A session with a project at mcplocal, as whoever is logged in, and what is done in it. The session ends with it.
 * @throws CliError `unauthenticated`, `forbidden`, `not-found` with the nearest project, `unreachable`, `mcp-error`
 */
export const withProject = async <Answer>(
  deps: Deps,
  project: string,
  use: (connection: McpConnection) => Promise<Answer>,
  options: Partial<ConnectOptions> = {},
): Promise<Answer> => {
  const endpoint = projectEndpoint(deps, project)
  const [{ connectMcp }, { McpFailure }] = await Promise.all([import('./connect.ts'), import('./failure.ts')])
  let connection: McpConnection | undefined
  try {
    connection = await connectMcp(endpoint, { signal: deps.signal, timeoutMs: ANSWER_MS, ...options })
    return await use(connection)
  } catch (error) {
    throw error instanceof McpFailure ? await inOurWords(deps, project, error) : error
  } finally {
    await connection?.close()
  }
}

const inOurWords = async (deps: Deps, project: string, failure: McpFailure): Promise<unknown> => {
  const { kind, status, code, hint, message } = failure
  const { mcplocal } = deps.config
  if (kind === 'unreachable')
    return new CliError('unreachable', `mcplocal does not answer at ${mcplocal}: ${message}`, {
      hint: 'Start it with "mcpctl up", or say where it is with MCPCTL_MCPLOCAL',
      exit: exitCode.unreachable,
      cause: failure,
    })
  if (kind === 'denied')
    return new CliError(
      code ?? 'forbidden',
      `mcplocal lets nobody with this token into project/${project}: ${message}`,
      {
        hint: status === 401 ? 'Log in with "mcpctl login"; "mcpctl whoami" shows who you are' : hint,
        exit: exitCode.denied,
        cause: failure,
      },
    )
  if (status === 404 && code === 'not-found') return await nearestProject(deps, project, message)
  if (kind === 'refused' && !failure.speaksMcp)
    return new CliError('not-mcplocal', `what answers at ${mcplocal} is not mcplocal: ${message}`, {
      hint: 'Look at MCPCTL_MCPLOCAL and "mcpctl config view"',
      cause: failure,
    })
  return new CliError(code ?? (kind === 'timeout' ? 'timeout' : 'mcp-error'), `project/${project}: ${message}`, {
    hint,
    exit: status === 503 ? exitCode.unreachable : exitCode.failed,
    cause: failure,
  })
}

const nearestProject = async (deps: Deps, name: string, message: string): Promise<unknown> => {
  const kind = findKind(await deps.registry(), 'project')
  const error = new CliError('not-found', message, { hint: '"mcpctl get projects" lists them' })
  try {
    return await withNearestName(deps.api, { kind, name }, error)
  } catch (unlisted) {
    if (unlisted instanceof CliError) return error // who may not list projects is told of none
    throw unlisted
  }
}
