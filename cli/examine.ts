import { isObject, type JsonObject, type JsonValue } from '../domain/kernel/json.ts'
import type { Resource } from '../domain/kernel/resource.ts'
import type { ApiClient } from './api-client.ts'
import { CliError } from './errors.ts'
import { isTool, type Tool } from './tools.ts'

/** What one copy of a server says of itself; what it did not say is left out. */
export interface Examined {
  readonly instance: string
  /** It answered everything that it was asked. */
  readonly ok: boolean
  readonly protocolVersion?: string
  readonly serverInfo?: { readonly name: string; readonly version: string }
  readonly capabilities?: readonly string[]
  readonly tools?: readonly Tool[]
  /** How many. */
  readonly resources?: number
  readonly prompts?: number
  /** Of a ping, from mcpd to the copy and back. */
  readonly latencyMs?: number
  readonly errors: readonly string[]
}

/** Most pages of one list that are asked for. */
const MAX_PAGES = 100

/** Asks a copy all that can be asked without an effect. */
export const examine = async (
  api: Pick<ApiClient, 'probe'>,
  server: string,
  { metadata, status }: Resource,
  timeoutSeconds: number,
): Promise<Examined> => {
  const instance = metadata.name
  const errors: string[] = []
  const failed = (reason: string): undefined => {
    errors.push(reason)
    return undefined
  }
  const ask = async (method: string) => {
    const answer = await api.probe(server, { instance, method, timeoutSeconds })
    if (answer.ok) return answer
    return failed(`${method}: ${answer.reason ?? 'no good answer'}`)
  }
  const list = (method: string, member: string) =>
    pages(api, { server, instance, method, member, timeoutSeconds }).catch((error: unknown) => {
      if (error instanceof CliError && error.code === NO_LIST) return failed(error.message)
      throw error
    })

  if (status?.phase !== 'running') {
    const reason = typeof status?.error === 'string' ? status.error : `it is ${String(status?.phase)}`
    return { instance, ok: false, errors: [`does not run: ${reason}`] }
  }
  const welcome = (await ask('initialize'))?.result as JsonObject | undefined
  const capabilities = isObject(welcome?.capabilities) ? Object.keys(welcome.capabilities) : []
  const ping = welcome === undefined ? undefined : await ask('ping')
  const [tools, resources, prompts] = await Promise.all(
    ['tools', 'resources', 'prompts'].map((member) =>
      capabilities.includes(member) ? list(`${member}/list`, member) : undefined,
    ),
  )
  return {
    instance,
    ok: errors.length === 0,
    ...(typeof welcome?.protocolVersion === 'string' ? { protocolVersion: welcome.protocolVersion } : {}),
    ...(isObject(welcome?.serverInfo)
      ? { serverInfo: { name: textOf(welcome.serverInfo.name), version: textOf(welcome.serverInfo.version) } }
      : {}),
    ...(welcome === undefined ? {} : { capabilities }),
    ...(tools === undefined ? {} : { tools: tools.filter(isTool) }),
    ...(resources === undefined ? {} : { resources: resources.length }),
    ...(prompts === undefined ? {} : { prompts: prompts.length }),
    ...(ping === undefined ? {} : { latencyMs: ping.latencyMs }),
    errors,
  }
}

/** The copy that is asked: one that serves, otherwise one that runs. */
export const runningCopy = (copies: readonly Resource[]): Resource | undefined => {
  const running = copies.filter(({ status }) => status?.phase === 'running')
  return running.find(({ status }) => status?.health === 'healthy') ?? running[0]
}

/** The tools of one copy. @throws CliError with the copy's reason */
export const toolsOf = async (
  api: Pick<ApiClient, 'probe'>,
  server: string,
  instance: string,
  timeoutSeconds: number,
): Promise<readonly Tool[]> => {
  const request = { server, instance, method: 'tools/list', member: 'tools', timeoutSeconds }
  return (await pages(api, request)).filter(isTool)
}

const NO_LIST = 'mcp-error'

interface ListRequest {
  readonly server: string
  readonly instance: string
  readonly method: string
  /** Of the result: what is listed. */
  readonly member: string
  readonly timeoutSeconds: number
}

const pages = async (
  api: Pick<ApiClient, 'probe'>,
  { server, instance, method, member, timeoutSeconds }: ListRequest,
): Promise<readonly unknown[]> => {
  const found: unknown[] = []
  let params: { readonly cursor?: string } = {}
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { ok, result = {}, reason } = await api.probe(server, { instance, method, params, timeoutSeconds })
    if (!ok) throw new CliError(NO_LIST, `${method}: ${reason ?? 'no good answer'}`)
    const items = result[member]
    if (!Array.isArray(items)) throw new CliError(NO_LIST, `${method}: its answer has no ${member}`)
    found.push(...items)
    if (typeof result.nextCursor !== 'string') break
    params = { cursor: result.nextCursor }
  }
  return found
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
