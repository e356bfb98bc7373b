import { isObject, type JsonObject } from '../domain/kernel/json.ts'
import { CliError } from './errors.ts'
import type { LeftOut } from './mcp-client/lists.ts'
import type { Output } from './output/output.ts'
import { table } from './output/table.ts'
import { didYouMean } from './suggest.ts'

/** A tool as its server describes it; only its name has been looked at. */
export type Tool = JsonObject & { readonly name: string }

export const isTool = (value: unknown): value is Tool => isObject(value) && typeof value.name === 'string'

/** @throws CliError `not-found` with what was probably meant @param owner who should have it, as `kind/name` */
export const findTool = (tools: readonly Tool[], name: string, owner: string, lists: string): Tool => {
  const found = tools.find((each) => each.name === name)
  if (found !== undefined) return found
  const names = tools.map((each) => each.name)
  throw new CliError('not-found', `${owner} has no tool "${name}"`, {
    hint: didYouMean(name, names, `"mcpctl ${lists}" lists them`),
  })
}

/** The tools with the first sentence of what they say of themselves. */
export const toolTable = (tools: readonly Tool[]): string =>
  table(
    ['TOOL', 'DESCRIPTION'],
    tools.map(({ name, description }) => [name, firstSentence(description)]),
  )

export const firstSentence = (text: unknown): string =>
  (typeof text === 'string' ? text : '').split(/(?<=[.!?])\s|\n/)[0] ?? ''

/** Says which servers' tools are not in a list. */
export const noteLeftOut = (out: Output, leftOut: readonly LeftOut[]): void => {
  const reasons = new Map(leftOut.map(({ server, reason }) => [server, reason]))
  for (const [server, reason] of reasons) out.note(`server/${server} is left out: ${reason}`)
}
