import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import type { FieldError } from '../../domain/kernel/errors.ts'
import { type SchemaIssue, schemaFlaws } from '../../domain/kernel/schema-flaws.ts'

/** A part of a request is not what its schema says. Fastify adds which part: `body`, `params`, `querystring` or `headers`. */
export class SchemaMismatch extends Error {
  readonly fields: readonly FieldError[]
  validationContext: string | undefined

  constructor(issues: readonly SchemaIssue[]) {
    super('the request does not match its schema')
    this.fields = issues.flatMap(schemaFlaws)
  }
}

/** Checks every part of a request by its zod schema; what is handed on is what the schema made of it. */
export const schemaCheck: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) => {
    const { success, data: value, error } = schema.safeParse(data)
    return success ? { value } : { error: new SchemaMismatch(error.issues) }
  }
