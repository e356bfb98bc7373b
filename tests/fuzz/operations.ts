import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** A JSON schema, as far as it is looked at here. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly pattern?: string
  readonly not?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

export interface Parameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly schema: Schema
}

/** One route of the server, as its own OpenAPI document has it. */
export interface Operation {
  /** `PUT /api/v1/servers/{name}` */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly open: boolean
  readonly parameters: readonly Parameter[]
  readonly body: Schema | undefined
  /** Whether a body is what the document says; undefined where the operation takes none. */
  readonly fits: ValidateFunction | undefined
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>
}
interface DocumentOperation {
  readonly parameters?: readonly Parameter[]
  readonly security?: readonly unknown[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}

/** Reads the server's document. A WebSocket has no place in it: the link's route is added. */
export const operationsOf = async (server: string): Promise<readonly Operation[]> => {
  const document = (await (await fetch(`${server}/openapi.json`)).json()) as Document
  const ajv = new Ajv2020({
    strict: false,
    unicodeRegExp: false,
    allErrors: false,
    formats: { uri: (text: string) => URL.canParse(text) },
  })
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const body = operation.requestBody?.content['application/json'].schema
      return {
        id: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        open: operation.security?.length === 0,
        parameters: operation.parameters ?? [],
        body,
        fits: body === undefined ? undefined : ajv.compile(body),
      }
    }),
  )
  const link = '/api/v1/projects/{name}/link'
  const parameters = operations.find(({ path }) => path === '/api/v1/projects/{name}')?.parameters ?? []
  return [
    ...operations,
    {
      id: `GET ${link}`,
      method: 'GET',
      path: link,
      open: false,
      parameters: parameters.filter((each) => each.in === 'path'),
      body: undefined,
      fits: undefined,
    },
  ]
}
