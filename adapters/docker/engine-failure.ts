import { startFailed } from '../../domain/instance/runtime.ts'
import { CodedError, codeOf } from '../../domain/kernel/errors.ts'

/** What the engine answered, where it answered: dockerode puts both on its errors. */
const answerOf = (error: unknown): { readonly status?: number; readonly message: string } => {
  if (!(error instanceof Error)) return { message: String(error) }
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined
  const json = 'json' in error ? error.json : undefined
  const said = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined
  const message = (typeof said === 'string' ? said : error.message).replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
  return status === undefined ? { message } : { status, message }
}

/** There is no such container or image. */
export const isMissing = (error: unknown): boolean => answerOf(error).status === 404
/** The container does not run, or is being removed already. */
export const isBusy = (error: unknown): boolean => answerOf(error).status === 409

/**
 * Any failure as a reason for people. What to do stands in it: a reason is all that `describe` shows.
 * @param where the engine, as its user knows it
 */
export const engineFailure = (error: unknown, where: string): CodedError => {
  if (error instanceof CodedError) return error
  const { status, message } = answerOf(error)
  if (status === undefined) return unreachable(codeOf(error), message, where)
  if (/no space left on device/.test(message)) return diskFull()
  return startFailed(`The container engine refused: ${message}`)
}

const unreachable = (code: unknown, message: string, where: string): CodedError => {
  const tried = /(?:ENOENT|ECONNREFUSED|EACCES) (\S+)$/.exec(message)?.[1] ?? where
  const at = `The container engine at ${tried} cannot be reached`
  if (code === 'EACCES')
    return startFailed(
      `${at}: permission denied. The user that mcpd runs as may not use it; add it to the group docker.`,
    )
  return startFailed(`${at}: ${message}. Start the engine, or name another one with DOCKER_HOST where mcpd is started.`)
}

const diskFull = (): CodedError =>
  startFailed('The disk of the container engine is full. Free some space, for instance with "docker system prune".')

/** Why an image could not be had. */
export const pullFailure = (image: string, error: unknown, where: string): CodedError => {
  if (error instanceof CodedError) return error
  const { status, message } = answerOf(error)
  const failed = `The image ${image} could not be pulled`
  if (/no space left on device/.test(message)) return diskFull()
  if (/unauthorized|authentication required|no basic auth|incorrect username|forbidden|\b40[13]\b/i.test(message))
    return startFailed(
      `${failed}: its registry does not accept who asks. Name a secret with username and password in imagePullSecret. (${message})`,
    )
  if (/manifest|not found|does not exist|name unknown|invalid reference/i.test(message))
    return startFailed(`${failed}: there is no such image, or it is private and needs imagePullSecret. (${message})`)
  if (/dial tcp|lookup|no such host|i\/o timeout|connection refused|TLS|x509|EOF|Client\.Timeout/i.test(message))
    return startFailed(`${failed}: the engine cannot reach its registry. (${message})`)
  return status === undefined && codeOf(error) !== undefined
    ? engineFailure(error, where)
    : startFailed(`${failed}: ${message}`)
}
