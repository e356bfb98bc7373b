import { CliError, exitCode } from '../errors.ts'
import type { Problem } from './answers.ts'
import type { HttpAnswer } from './http.ts'

/** Turns an answer ≥ 400 into the error that mcpctl prints. */
export const problemOf = async (answer: HttpAnswer, url: string): Promise<CliError> => {
  const problem = parse(await answer.text())
  const { status } = answer
  const denied = status === 401 || status === 403
  const code = problem?.code ?? `http-${status}`
  const retryAfter = Number.parseInt(answer.header('retry-after') ?? '', 10)
  return new CliError(code, messageOf(problem, status, url), {
    status,
    exit: denied ? exitCode.denied : exitCode.failed,
    hint: status === 401 ? LOG_IN : hintOf(problem),
    ...(problem?.fields === undefined ? {} : { fields: problem.fields }),
    ...(Number.isFinite(retryAfter) ? { retryAfter } : {}),
  })
}

const LOG_IN = 'Log in with "mcpctl login --token-stdin", or set MCPCTL_TOKEN; "mcpctl up" logs you in by itself'

const messageOf = (problem: Problem | undefined, status: number, url: string): string => {
  if (problem === undefined) return `what answers at ${url} is not mcpd (HTTP ${status} without a problem document)`
  // Its detail lists the fields, which are printed one a line below it.
  if ((problem.fields?.length ?? 0) > 0) return 'mcpd refuses it'
  return problem.detail ?? problem.title ?? (status === 503 ? 'mcpd is starting or stopping' : `HTTP ${status}`)
}

const hintOf = (problem: Problem | undefined): string | undefined => {
  if (problem?.hint !== undefined) return problem.hint
  if (problem?.code === 'internal' && problem.requestId !== undefined)
    return `mcpd's log says more; look for request ${problem.requestId}`
  return undefined
}

const parse = (text: string): Problem | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Problem) : undefined
  } catch {
    return undefined // another program's error page
  }
}
