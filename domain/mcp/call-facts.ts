import type { RpcMessage } from './link.ts'
import { isToolError } from './long-answer.ts'

// What records of calls say: of arguments and results, no more than this.

/** How a request was answered. `tool-error`: the tool ran and says it failed. */
export type Answered = 'ok' | 'tool-error' | 'error'

export const answeredAs = (answer: RpcMessage): Answered => {
  if (answer.error !== undefined) return 'error'
  return isToolError(answer) ? 'tool-error' : 'ok'
}

/** Longest name of a tool in a record: it is the client's own text. */
const MAX_TOOL_NAME = 128

/** The tool that a request calls, if it calls one. */
export const toolOf = ({ method, params }: RpcMessage): string | undefined => {
  const name = method === 'tools/call' ? params?.name : undefined
  return typeof name === 'string' ? name.slice(0, MAX_TOOL_NAME) : undefined
}
