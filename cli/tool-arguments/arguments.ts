import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { canAsk } from '../ask.ts'
import { keyValue } from '../create/flags.ts'
import type { Deps } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import type { Tool } from '../tools.ts'
import type { Flaw } from './check.ts'
import { readArgument, targetOf, unknownArgument, withValue } from './parse.ts'
import { readValue } from './read.ts'
import { branchesOf, memberOf, namesOf, type Place, typeText } from './schema.ts'

/** The arguments of a call as the command line has them. */
export interface GivenArguments {
  /** `name=value` each, over what `json` says. */
  readonly args: readonly string[]
  /** All of them, as one JSON object. */
  readonly json: string | undefined
  /** Whether they have to fit the tool's schema. */
  readonly check: boolean
}

/** `--arg`, `--args-json` and `--no-check`, the same for every verb that calls a tool. */
export const argumentOptions = {
  arg: {
    type: 'string',
    many: true,
    describe: 'An argument: NAME=VALUE, typed as its schema says; A.B=VALUE, @FILE and @- (standard input) too',
  },
  'args-json': { type: 'string', describe: 'All arguments, as a JSON object; @FILE and @- too' },
  check: { type: 'boolean', default: true, describe: "Whether the arguments have to fit the tool's schema" },
} as const

/**
 * The arguments of a call, typed as the tool's schema says. What it requires and nobody gave is asked for on a terminal. Defaults are left to
 * the server.
 * @throws CliError `argument-unknown`, `argument-invalid`, `argument-missing`: exit code 2, nothing was sent
 */
export const argumentsOf = async (
  deps: Deps,
  tool: Tool,
  { args, json, check }: GivenArguments,
): Promise<JsonObject> => {
  if ([...args, `=${json}`].filter((each) => each.endsWith('=@-')).length > 1)
    throw usageError('standard input can be read only once', 'Give the other value as a file: @FILE')
  const schema = isObject(tool.inputSchema) ? tool.inputSchema : {}
  const place: Place = { schema: check ? schema : {}, root: schema }
  let given = await withArgs(deps, await jsonObject(deps, json), args, place)
  if (!check) return given
  given = await withAnswers(deps, given, place)
  await assertFits(deps, tool, given, schema)
  return given
}

const jsonObject = async (deps: Deps, text: string | undefined): Promise<JsonObject> => {
  if (text === undefined) return {}
  const json = await readValue(deps, '--args-json', text, { schema: {}, root: {} })
  try {
    const value: unknown = JSON.parse(json)
    if (isObject(value)) return value
  } catch {
    // said below, without the text
  }
  throw usageError('--args-json wants a JSON object', `Example: --args-json '{"message": "hello"}'`)
}

const withArgs = async (deps: Deps, json: JsonObject, args: readonly string[], place: Place): Promise<JsonObject> => {
  const texts = new Map<string, string[]>()
  for (const each of args) {
    const [key, text] = keyValue('--arg', each)
    texts.set(key, [...(texts.get(key) ?? []), text])
  }
  let given = json
  for (const [key, values] of texts) {
    const target = targetOf(key, place)
    const read: string[] = []
    for (const value of values) read.push(await readValue(deps, `--arg ${key}`, value, target.place))
    given = withValue(given, target.path, readArgument(key, read, target.place))
  }
  return given
}

/** Asks for what is required. */
const withAnswers = async (deps: Deps, given: JsonObject, place: Place): Promise<JsonObject> => {
  if (!canAsk(deps)) return given
  let answered = given
  const branches = branchesOf(place)
  const required = branches.length === 1 && Array.isArray(branches[0]?.required) ? branches[0].required : []
  for (const name of required) {
    if (typeof name !== 'string' || Object.hasOwn(answered, name)) continue
    const member = memberOf(branches, place.root, name) ?? { schema: {}, root: place.root }
    const { description } = branchesOf(member)[0] ?? {}
    const what = [typeText(member), ...(typeof description === 'string' ? [description] : [])].join('; ')
    const answer = await deps.prompt.text(`${name} (${what})`)
    if (answer === '') continue // then it is missing
    answered = withValue(answered, [name], readArgument(name, [answer], member))
  }
  return answered
}

const assertFits = async ({ out }: Deps, tool: Tool, given: JsonObject, schema: JsonObject): Promise<void> => {
  const { flawsOf } = await import('./check.ts')
  let flaws: ReturnType<typeof flawsOf>
  try {
    flaws = flawsOf(given, schema)
  } catch (error) {
    out.note(`The schema of ${tool.name} cannot be used, so the arguments go unchecked: ${messageOf(error)}`)
    return
  }
  if (flaws.length > 0) throw flawed(tool, schema, flaws)
}

const flawed = (tool: Tool, schema: JsonObject, flaws: readonly Flaw[]): CliError => {
  const [first, second] = flaws
  if (first?.kind === 'unknown' && second === undefined)
    return unknownArgument(first.path, first.path, namesOf(branchesOf({ schema, root: schema })))
  const fields = flaws.map(({ path, message }) => ({ path: path === '' ? 'arguments' : path, message }))
  if (flaws.some(({ kind }) => kind !== 'missing'))
    return new CliError('argument-invalid', `the arguments are not what ${tool.name} takes`, {
      exit: exitCode.usage,
      fields,
      hint: '"mcpctl describe tool/NAME -p PROJECT" shows what a tool takes; --no-check sends them all the same',
    })
  // Entries of a list have no name that --arg takes.
  const isNamed = flaws.every(({ path }) => !/(^|\.)\d+(\.|$)/.test(path))
  return new CliError('argument-missing', `${tool.name} needs ${flaws.map(({ path }) => path).join(', ')}`, {
    exit: exitCode.usage,
    fields,
    hint: isNamed ? `Give ${flaws.map(({ path }) => `--arg ${path}=…`).join(' ')}` : undefined,
  })
}
