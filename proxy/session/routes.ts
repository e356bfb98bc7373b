import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../domain/mcp/log-levels.ts'
import type { RpcError, RpcResponse } from '../../domain/mcp/rpc.ts'
import { invalidParams, methodNotFound, resourceNotFound, unknownName } from '../rpc/errors.ts'
import type { Catalog } from './catalog.ts'
import type { ClientRequest } from './client-request.ts'
import type { AskServer } from './fetch-list.ts'
import { type ListKind, listKinds } from './lists.ts'
import type { ProjectView } from './project-view.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What a route may do with its session. */
export interface Routing {
  readonly catalog: Catalog
  readonly view: ProjectView
  readonly subscriptions: Subscriptions
  /** How long servers may take that are asked in turn, or together. */
  readonly listMs: number
  /** Sends a request on; its answer goes back to the client, through `map` if there is one. */
  forward(request: ClientRequest, server: string, params: JsonObject | undefined, map?: AnswerMap): void
  reply(request: ClientRequest, result: JsonObject): void
  fail(request: ClientRequest, error: RpcError): void
  /** Ends a request with a server's answer that was asked for by `ask`. */
  pass(request: ClientRequest, answer: RpcResponse): void
  readonly ask: AskServer
  /** Least severe log messages that the client wants. */
  level: LogLevel | undefined
}

export type AnswerMap = (answer: RpcResponse) => RpcResponse

export type Route = (routing: Routing, request: ClientRequest) => void | Promise<void>

const list =
  (kind: ListKind): Route =>
  async (routing, request) => {
    if (request.message.params?.cursor !== undefined)
      return routing.fail(request, invalidParams('cursor', 'is not one of ours: lists come in one page'))
    routing.reply(request, await routing.catalog.list(kind))
  }

/** `tools/call` and `prompts/get`: by name. Without a pause where the name is known, as that is nearly always so. */
const byName =
  (kind: 'tools' | 'prompts'): Route =>
  (routing, request) => {
    const params = request.message.params ?? {}
    const { name } = params
    if (typeof name !== 'string') return routing.fail(request, invalidParams('name', 'must be a string'))
    const go = (server: string, own: string) =>
      routing.forward(request, server, own === name ? params : { ...params, name: own })
    const known = routing.catalog.knownName(kind, name)
    if (known !== undefined) return go(known.server, known.own)
    return routing.catalog.findName(kind, name).then((owner) => {
      if (owner !== undefined) return go(owner.server, owner.own)
      const what = kind === 'tools' ? 'tool' : 'prompt'
      routing.fail(request, unknownName(what, name, routing.catalog.names(kind).owners))
    })
  }

const uriOf = (params: JsonObject): string | RpcError =>
  typeof params.uri === 'string' ? params.uri : invalidParams('uri', 'must be a string')

const readResource: Route = async (routing, request) => {
  const params = request.message.params ?? {}
  const uri = uriOf(params)
  if (typeof uri !== 'string') return routing.fail(request, uri)
  const owner = await routing.catalog.findUri(uri)
  if (owner === undefined) return readAnywhere(routing, request, uri)
  if (owner.own === uri) return routing.forward(request, owner.server, params)
  routing.forward(request, owner.server, { ...params, uri: owner.own }, (answer) =>
    withContentUri(answer, owner.own, uri),
  )
}

/** Nobody lists it: the servers that have resources are asked in their order, and the first that has it answers. */
const readAnywhere = async (routing: Routing, request: ClientRequest, uri: string): Promise<void> => {
  for (const server of routing.view.able('resources')) {
    const answer = await routing.ask(server.name, 'resources/read', request.message.params, routing.listMs)
    if (request.done) return
    if (answer.error === undefined) return routing.pass(request, answer)
  }
  routing.fail(request, resourceNotFound(uri))
}

const withContentUri: (answer: RpcResponse, own: string, uri: string) => RpcResponse = (answer, own, uri) => {
  const contents = answer.result?.contents
  if (!Array.isArray(contents)) return answer
  const mapped = contents.map((content: JsonValue) =>
    isObject(content) && content.uri === own ? { ...content, uri } : content,
  )
  return { ...answer, result: { ...answer.result, contents: mapped } }
}

const subscribe =
  (on: boolean): Route =>
  async (routing, request) => {
    const params = request.message.params ?? {}
    const uri = uriOf(params)
    if (typeof uri !== 'string') return routing.fail(request, uri)
    const owner = await routing.catalog.findUri(uri)
    if (owner === undefined) return routing.fail(request, resourceNotFound(uri))
    const { server, own } = owner
    routing.forward(request, server, own === uri ? params : { ...params, uri: own }, (answer) => {
      if (!on) routing.subscriptions.remove(server, own)
      else if (answer.error === undefined) routing.subscriptions.add(server, own, uri)
      return answer
    })
  }

const complete: Route = async (routing, request) => {
  const params = request.message.params ?? {}
  const { ref } = params
  if (!isObject(ref)) return routing.fail(request, invalidParams('ref', 'must be an object'))
  if (ref.type === 'ref/prompt' && typeof ref.name === 'string') {
    const owner = await routing.catalog.findName('prompts', ref.name)
    if (owner !== undefined) return routing.forward(request, owner.server, withRef(params, ref, 'name', owner.own))
    return routing.fail(request, unknownName('prompt', ref.name, routing.catalog.names('prompts').owners))
  }
  if (ref.type === 'ref/resource' && typeof ref.uri === 'string') {
    const owner = await routing.catalog.findTemplate(ref.uri)
    if (owner !== undefined) return routing.forward(request, owner.server, withRef(params, ref, 'uri', owner.own))
    return routing.fail(request, resourceNotFound(ref.uri))
  }
  routing.fail(request, invalidParams('ref', 'must be a ref/prompt with a name or a ref/resource with a uri'))
}

const withRef = (params: JsonObject, ref: JsonObject, key: 'name' | 'uri', own: string): JsonObject =>
  ref[key] === own ? params : { ...params, ref: { ...ref, [key]: own } }

/** To all servers that log; the client has its answer when all have given theirs. */
const setLevel: Route = async (routing, request) => {
  const { params } = request.message
  const level = params?.level
  // Not left to the servers: they answer -32603 or take it, and then log who knows what.
  if (!isLogLevel(level))
    return routing.fail(request, invalidParams('level', `must be one of ${LOG_LEVELS.join(', ')}`))
  const { alone } = routing.view
  if (alone !== undefined) {
    return routing.forward(request, alone.name, params, (answer) => {
      if (answer.error === undefined) routing.level = level
      return answer
    })
  }
  const servers = routing.view.able('logging')
  if (servers.length === 0) return routing.fail(request, methodNotFound('logging/setLevel'))
  const answers = await Promise.all(
    servers.map(({ name }) => routing.ask(name, 'logging/setLevel', params, routing.listMs)),
  )
  const refused = answers.every(({ error }) => error !== undefined) ? answers[0] : undefined
  if (refused !== undefined) return routing.pass(request, refused)
  routing.level = level
  routing.reply(request, {})
}

/** Methods we have no word for go to the only server, or nowhere: to guess among several would be wrong too often. */
export const unknownMethod: Route = (routing, request) => {
  const { alone } = routing.view
  if (alone === undefined) return routing.fail(request, methodNotFound(request.message.method))
  routing.forward(request, alone.name, request.message.params)
}

/** What the client may ask for, but for `initialize`. */
export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['ping', (routing, request) => routing.reply(request, {})],
  ['tools/call', byName('tools')],
  ['prompts/get', byName('prompts')],
  ['resources/read', readResource],
  ['resources/subscribe', subscribe(true)],
  ['resources/unsubscribe', subscribe(false)],
  ['completion/complete', complete],
  ['logging/setLevel', setLevel],
  ...(['tools', 'prompts', 'resources', 'templates'] as const).map((kind): [string, Route] => [
    listKinds[kind].method,
    list(kind),
  ]),
])
