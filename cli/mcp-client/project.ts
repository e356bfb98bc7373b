import type { Deps } from '../deps.ts'
import { CliError, exitCode } from '../errors.ts'
import { findKind, withNearestName } from '../targets.ts'
import type { ConnectOptions, McpConnection } from './connect.ts'
import { projectEndpoint } from './endpoint.ts'
import type { McpFailure } from './failure.ts'

/** How long mcplocal may take: it gives a server ten minutes for a call itself, and ten seconds to be there for a session. */
export const patience = { timeoutMs: 11 * 60_000, connectMs: 30_000 } as const

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
    connection = await connectMcp(endpoint, { signal: deps.signal, ...patience, ...options })
    return await use(connection)
  } catch (error) {
    throw error instanceof McpFailure ? await inOurWords(deps, project, error) : error
  } finally {
    await connection?.close()
  }
}

const inOurWords = async (deps: Deps, project: string, failure: McpFailure): Promise<unknown> =>
  failure.status === 404 && failure.code === 'not-found'
    ? await nearestProject(deps, project, failure.message)
    : projectFailure(deps.config.mcplocal, project, failure)

/** What a failure of mcplocal means to whoever wants a project, and what to do about it. */
export const projectFailure = (mcplocal: string, project: string, failure: McpFailure): CliError => {
  const { kind, status, code, hint, message } = failure
  const about = { cause: failure, ...(status === undefined ? {} : { status }) }
  if (kind === 'unreachable')
    return new CliError('unreachable', `mcplocal does not answer at ${mcplocal}: ${message}`, {
      ...about,
      hint: 'Start it with "mcpctl up", or say where it is with MCPCTL_MCPLOCAL',
      exit: exitCode.unreachable,
    })
  if (kind === 'denied')
    return new CliError(
      code ?? 'forbidden',
      `mcplocal lets nobody with this token into project/${project}: ${message}`,
      {
        ...about,
        hint: status === 401 ? 'Log in with "mcpctl login"; "mcpctl whoami" shows who you are' : hint,
        exit: exitCode.denied,
      },
    )
  if (kind === 'refused' && !failure.speaksMcp && status !== 503)
    return new CliError('not-mcplocal', `what answers at ${mcplocal} is not mcplocal: ${message}`, {
      ...about,
      hint: 'Look at MCPCTL_MCPLOCAL and "mcpctl config view"',
    })
  return new CliError(code ?? (kind === 'timeout' ? 'timeout' : 'mcp-error'), `project/${project}: ${message}`, {
    ...about,
    hint,
    exit: status === 503 ? exitCode.unreachable : exitCode.failed,
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
