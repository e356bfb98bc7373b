import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>
type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>

/** The RFC 9457 document that every error is. */
const PROBLEM: OpenAPIV3_1.SchemaObject = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', description: 'urn:mcpctl:error:<code>' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Never changes; docs/errors.md lists all of them' },
    hint: { type: 'string', description: 'What to do about it' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
    requestId: { type: 'string' },
  },
}

const PROBLEM_RESPONSE = {
  description: 'An error',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const METHODS = ['get', 'post', 'put', 'delete'] as const

const jsonSchema = createJsonSchemaTransform({ skipList: ['/openapi.json'] })

/** zod to JSON Schema, and no bearer for what is open to anybody. */
const transform: Transform = (input) => {
  const { schema, url } = jsonSchema(input)
  const open = input.route.config?.access === 'public'
  return { schema: open ? { ...schema, security: [] } : schema, url }
}

/** Every operation may answer with a problem. */
const transformObject: TransformObject = (input) => {
  if (!('openapiObject' in input)) return input.swaggerObject
  // `openapiOptions` says that it is 3.1.
  const document = input.openapiObject as Partial<OpenAPIV3_1.Document>
  for (const path of Object.values(document.paths ?? {}))
    for (const method of METHODS) {
      const operation = path?.[method]
      if (operation !== undefined) operation.responses = { ...operation.responses, default: PROBLEM_RESPONSE }
    }
  const schemas = { ...document.components?.schemas, Problem: PROBLEM }
  return { ...document, components: { ...document.components, schemas } }
}

/** The OpenAPI 3.1 document is made from the same schemas that check requests. */
export const openapiOptions = (version: string): FastifyDynamicSwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: { title: 'mcpctl', version, description: 'The control plane for MCP servers, LLMs and agents' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    security: [{ bearer: [] }],
  },
  transform,
  transformObject,
})
