import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { createTurns } from '../../domain/kernel/turns.ts'
import { canAsk } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, isCode } from '../errors.ts'
import { neutralLine } from '../output/neutral.ts'
import { readArgument, withValue } from '../tool-arguments/parse.ts'
import { branchesOf, type Place, typeText } from '../tool-arguments/schema.ts'

/** How often one field is asked for before the answer counts as given up. */
const MAX_ATTEMPTS = 3

/** A question to a person, for as long as anybody waits for the answer. */
interface Asking extends Pick<Deps, 'out' | 'prompt'> {
  readonly signal: AbortSignal
}

/**
 * What a server may ask a person for while it works: on a terminal, a form's fields or to open a page, one question at a time. Elsewhere
 * there is nobody to ask.
 * @param onInterrupt Ctrl-C at a question: the terminal tells it to the question, not to the program
 */
export const elicitation = (
  deps: Pick<Deps, 'out' | 'input' | 'prompt'>,
  onInterrupt: () => void,
): { readonly capabilities: ClientCapabilities; prepare(client: Client): Promise<void> } | undefined => {
  if (!canAsk(deps)) return undefined
  const { out, prompt } = deps
  const turns = createTurns()
  return {
    capabilities: { elicitation: { form: {}, url: {} } },
    async prepare(client) {
      const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js')
      client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) =>
        turns.take('terminal', async () => {
          if (signal.aborted) return { action: 'cancel' as const }
          out.endProgress()
          out.note(`The server asks: ${params.message}`)
          try {
            if (params.mode === 'url') return await toOpen({ out, prompt, signal }, params.url)
            return await toFillIn({ out, prompt, signal }, params.requestedSchema as unknown as JsonObject)
          } catch (error) {
            if (signal.aborted) return { action: 'cancel' as const } // the server has taken it back, or has ended
            if (isCode(error, 'interrupted')) onInterrupt()
            throw error
          }
        }),
      )
    },
  }
}

/** A page is never opened for the person: they see the whole address, and decide. */
const toOpen = async ({ out, prompt, signal }: Asking, url: string) => {
  out.note(`  ${neutralLine(url)}`)
  const isAgreed = await prompt.confirm('Open that page yourself, and tell the server that you do?', signal)
  return { action: isAgreed ? ('accept' as const) : ('decline' as const) }
}

const toFillIn = async (asking: Asking, schema: JsonObject) => {
  if (!(await asking.prompt.confirm('Answer the server?', asking.signal))) return { action: 'decline' as const }
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : []
  const required = Array.isArray(schema.required) ? schema.required : []
  let content: JsonObject = {}
  for (const [name, member] of properties) {
    const field = { name, place: { schema: member, root: schema }, isRequired: required.includes(name) }
    const answer = await askFor(asking, field)
    if (answer === 'given-up') return { action: 'cancel' as const }
    if (answer !== undefined) content = withValue(content, [name], answer.value)
  }
  // Flat, and of types that `readArgument` makes: what an elicitation may ask for.
  return { action: 'accept' as const, content: content as Record<string, string | number | boolean | string[]> }
}

interface Field {
  readonly name: string
  readonly place: Place
  readonly isRequired: boolean
}

const askFor = async (
  { out, prompt, signal }: Asking,
  { name, place, isRequired }: Field,
): Promise<{ readonly value: unknown } | 'given-up' | undefined> => {
  const { flawsOf } = await import('../tool-arguments/check.ts')
  const question = questionOf(name, place, isRequired)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const text = await prompt.text(question, signal)
    if (text === '' && !isRequired) return defaultOf(place)
    try {
      const value = readArgument(name, [text], place)
      const [flaw] = flawsOf(value, isObject(place.schema) ? place.schema : {})
      if (flaw === undefined) return { value }
      out.note(`${name} ${flaw.message}`)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      out.note(error.message)
    }
  }
  return 'given-up'
}

const questionOf = (name: string, place: Place, isRequired: boolean): string => {
  const { title, description, default: standard } = branchesOf(place)[0] ?? {}
  const about = [
    typeText(place),
    ...[title, description].filter((text) => typeof text === 'string' && text !== name),
    ...(standard === undefined ? [] : [`default ${JSON.stringify(standard)}`]),
    ...(isRequired ? [] : ['may be left empty']),
  ]
  return `${name} (${about.join('; ')})`
}

const defaultOf = ({ schema }: Place): { readonly value: unknown } | undefined =>
  isObject(schema) && schema.default !== undefined ? { value: schema.default } : undefined
