import { isObject, type JsonObject } from '../domain/kernel/json.ts'
import { keyValue, texts } from './create/flags.ts'
import { CliError, usageError } from './errors.ts'
import { neutralText } from './output/neutral.ts'
import type { Output } from './output/output.ts'
import { table } from './output/table.ts'
import { didYouMean } from './suggest.ts'

/** A tool as its server describes it; only its name has been looked at. */
export type Tool = JsonObject & { readonly name: string }

export const isTool = (value: unknown): value is Tool => isObject(value) && typeof value.name === 'string'

/** `--arg`, the same for every verb that calls a tool. */
export const argOption = {
  type: 'string',
  many: true,
  describe: 'Argument of the tool: K=V; what is no text there is read as JSON',
} as const

/** @throws CliError `not-found` with what was probably meant @param owner who should have it, as `kind/name` */
export const findTool = (tools: readonly Tool[], name: string, owner: string, lists: string): Tool => {
  const found = tools.find((each) => each.name === name)
  if (found !== undefined) return found
  const names = tools.map((each) => each.name)
  throw new CliError('not-found', `${owner} has no tool "${name}"`, {
    hint: didYouMean(name, names, `"mcpctl ${lists}" lists them`),
  })
}

/** All arguments of a call: those given as JSON, and over them those given one by one, as the tool's schema has them. */
export const toolArguments = (
  tool: Tool,
  args: readonly string[],
  json: Readonly<Record<string, unknown>>,
): Record<string, unknown> => ({
  ...json,
  ...fromArgs(args, isObject(tool.inputSchema) ? tool.inputSchema.properties : undefined),
})

const fromArgs = (args: readonly string[], properties: unknown): Record<string, unknown> =>
  Object.fromEntries(
    texts(args).map((each) => {
      const [key, value] = keyValue('--arg', each)
      const schema: unknown = isObject(properties) ? properties[key] : undefined
      const isText = isObject(schema) && schema.type === 'string'
      return [key, isText ? value : jsonOrText(value)]
    }),
  )

const jsonOrText = (value: string): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    return value // a text without quotes
  }
}

/** The value of a flag that wants a JSON object; nothing where it was not given. */
export const parseObject = (flag: string, json: string | undefined): Record<string, unknown> => {
  if (json === undefined) return {}
  const value = jsonOrText(json)
  if (!isObject(value)) throw usageError(`${flag} wants a JSON object`)
  return { ...value }
}

/** The tools with the first sentence of what they say of themselves. */
export const toolTable = (tools: readonly Tool[]): string =>
  table(
    ['TOOL', 'DESCRIPTION'],
    tools.map(({ name, description }) => [name, firstSentence(description)]),
  )

const firstSentence = (text: unknown): string =>
  (typeof text === 'string' ? text : '').split(/(?<=[.!?])\s|\n/)[0] ?? ''

/** What a tool has answered, for people: its texts, and what is no text as JSON. */
export const printContent = (out: Output, result: Readonly<Record<string, unknown>>): void => {
  const blocks: unknown[] = Array.isArray(result.content) ? result.content : []
  for (const block of blocks) {
    const text = isObject(block) ? block.text : undefined
    const shown = typeof text === 'string' ? text : JSON.stringify(block, null, 2)
    out.line(out.isTTY ? neutralText(shown) : shown)
  }
  if (blocks.length === 0 && result.structuredContent !== undefined)
    out.line(JSON.stringify(result.structuredContent, null, 2))
}
