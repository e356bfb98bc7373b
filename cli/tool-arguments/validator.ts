import { Ajv, type ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** What is wrong with a value: nothing, or each flaw with its place. */
export type Validator = (value: unknown) => readonly ErrorObject[]

/**
 * A check against a schema that a server has written: 2020-12, which is MCP's dialect, or draft 7 where it says so or is not usable
 * otherwise.
 * @throws Error when no dialect makes sense of it
 */
export const validatorOf = (schema: JsonObject): Validator => {
  const isOld = typeof schema.$schema === 'string' && /draft-0[4-7]/.test(schema.$schema)
  try {
    return compiled(isOld ? Ajv : Ajv2020, schema)
  } catch (error) {
    try {
      return compiled(isOld ? Ajv2020 : Ajv, schema)
    } catch {
      throw error // of the dialect that it should be
    }
  }
}

/** Foreign schemas: unknown words in them are no errors, and nothing is printed about them. */
const OPTIONS = { allErrors: true, strict: false, validateSchema: false, meta: false, logger: false } as const

const compiled = (Dialect: typeof Ajv | typeof Ajv2020, { $schema: _dialect, ...schema }: JsonObject): Validator => {
  const ajv = new Dialect(OPTIONS)
  formats.default(ajv)
  const check = ajv.compile(schema)
  return (value) => (check(value) ? [] : (check.errors ?? []))
}
