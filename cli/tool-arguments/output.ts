import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Tool } from '../tools.ts'
import { flawsOf } from './check.ts'

/** What a result has that the tool's output schema does not allow, in a line; undefined where it is as promised. */
export const outputFlaw = ({ outputSchema }: Tool, { structuredContent, isError }: JsonObject): string | undefined => {
  if (!isObject(outputSchema) || isError === true) return undefined
  if (structuredContent === undefined) return 'there is an output schema, but no structuredContent'
  try {
    const [flaw] = flawsOf(structuredContent, outputSchema)
    return flaw === undefined
      ? undefined
      : `structuredContent${flaw.path === '' ? '' : `.${flaw.path}`} ${flaw.message}`
  } catch (error) {
    return `its output schema cannot be used: ${messageOf(error)}`
  }
}
