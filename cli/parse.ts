import { type ParseArgsConfig, parseArgs } from 'node:util'
import { usageError } from './errors.ts'
import { didYouMean } from './suggest.ts'
import type { AnyVerb, Arguments, ExtraValues, Option, Options, VerbEntry } from './verb.ts'

/** Flags that every verb takes. */
export const globalOptions = {
  server: { type: 'string', short: 's', describe: "mcpd's address (MCPCTL_SERVER)" },
  help: { type: 'boolean', short: 'h', describe: 'Show help' },
} as const satisfies Options

/** The command line up to and including the verb. */
export interface Head {
  readonly entry: VerbEntry | undefined
  /** What was typed where the verb should be; `entry` is undefined when no verb is called that. */
  readonly typed: string
  readonly rest: readonly string[]
  readonly server: string | undefined
  readonly help: boolean
}

/** Finds the verb; global flags may stand before it. */
export const parseHead = (argv: readonly string[], verbs: readonly VerbEntry[]): Head => {
  let server: string | undefined
  let help = false
  let at = 0
  for (; at < argv.length && argv[at]?.startsWith('-') === true; at += 1) {
    const flag = argv[at] ?? ''
    const inline = /^(?:--server|-s)=(.*)$/s.exec(flag)
    if (flag === '-h' || flag === '--help') help = true
    else if (flag === '--version')
      return { entry: verbs.find(({ path }) => path === 'version'), typed: flag, rest: [], server, help }
    else if (inline !== null) server = inline[1]
    else if (flag === '--server' || flag === '-s') {
      at += 1
      server = argv[at]
      if (server === undefined) throw usageError(`${flag} needs an address`, 'Example: --server http://127.0.0.1:3100')
    } else throw usageError(`there is no flag ${flag} before the verb`, 'Example: mcpctl get servers -o wide')
  }
  const one = argv[at] ?? ''
  const next = argv[at + 1] ?? ''
  // `config --help`: no second word, a flag of the family.
  const two = next.startsWith('-') ? one : `${one} ${next}`
  const found = (path: string) => verbs.find((entry) => entry.path === path)
  const entry = found(two) ?? found(one)
  const words = entry === undefined ? 1 : entry.path.split(' ').length
  const typed = entry?.path ?? (verbs.some(({ path }) => path.startsWith(`${one} `)) ? two.trim() : one)
  return { entry, typed, rest: argv.slice(at + words), server, help }
}

export interface Parsed {
  readonly values: ExtraValues
  readonly extra: ExtraValues
  readonly server: string | undefined
  readonly help: boolean
}

type Raw = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/**
 * Reads what follows the verb. Node's own `parseArgs` does it: it is there already, where yargs takes longer to load than Node
 * to start; yargs writes the help.
 * @throws CliError `usage` with what was probably meant
 */
export const parseRest = (path: string, verb: AnyVerb, extraOptions: Options, rest: readonly string[]): Parsed => {
  const options: Options = { ...globalOptions, ...verb.options, ...extraOptions }
  const { values, positionals } = readWords(path, options, rest)
  const { server, own } = splitServer(values.server, 'server' in verb.options || 'server' in extraOptions)
  if (values.help === true) return { values: {}, extra: {}, server, help: true }
  const raw: Raw = { ...values, server: own }
  return {
    values: { ...argumentValues(path, verb.arguments, positionals), ...optionValues(path, verb.options, raw) },
    extra: optionValues(path, extraOptions, raw),
    server,
    help: false,
  }
}

const readWords = (path: string, options: Options, rest: readonly string[]) => {
  const config: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, option] of Object.entries(options))
    config[name] = {
      type: option.type === 'boolean' ? 'boolean' : 'string',
      multiple: option.many === true || name === 'server',
      ...(option.short === undefined ? {} : { short: option.short }),
    }
  // The global -s stays the address where a verb has a --server of its own.
  if (config.server !== undefined) config.server.short = 's'
  try {
    return parseArgs({
      args: withoutBooleanValues(options, withBareValues(options, withoutShortEquals(rest))),
      options: config,
      strict: true,
      allowPositionals: true,
      allowNegative: true,
    })
  } catch (error) {
    throw parseError(path, options, error)
  }
}

/** `-o=yaml` means `-o yaml`, as kubectl has it. */
const withoutShortEquals = (words: readonly string[]): string[] => {
  const end = words.indexOf('--')
  return words.flatMap((word, i) =>
    /^-[A-Za-z]=/.test(word) && (end < 0 || i < end) ? [word.slice(0, 2), word.slice(3)] : [word],
  )
}

/** `--dry-run -o yaml` means `--dry-run=client -o yaml`, as kubectl has it. */
const withBareValues = (options: Options, words: readonly string[]): string[] => {
  const end = words.indexOf('--')
  return words.map((word, i) => {
    const bare = word.startsWith('--') && (end < 0 || i < end) ? options[word.slice(2)]?.bare : undefined
    const next = words[i + 1]
    return bare !== undefined && (next === undefined || next.startsWith('-')) ? `${word}=${bare}` : word
  })
}

/** `--wait=false` means `--no-wait`, and `--wait=true` means `--wait`, as kubectl has it. */
const withoutBooleanValues = (options: Options, words: readonly string[]): string[] => {
  const end = words.indexOf('--')
  return words.map((word, i) => {
    const [, name = '', value] = /^--([^=]+)=(true|false)$/.exec(end < 0 || i < end ? word : '') ?? []
    if (options[name]?.type !== 'boolean') return word
    return value === 'true' ? `--${name}` : `--no-${name}`
  })
}

/** `--server` is the address of mcpd, but the name of a server for verbs that have such an option; no name looks like an address. */
const splitServer = (given: unknown, ofVerb: boolean): { server: string | undefined; own: string[] | undefined } => {
  const all = Array.isArray(given) ? given.map(String) : []
  const addresses = ofVerb ? all.filter((each) => each.includes('://')) : all
  const own = ofVerb ? all.filter((each) => !each.includes('://')) : []
  const wrong = addresses.find((each) => !/^https?:\/\//.test(each))
  if (wrong !== undefined) throw usageError(`--server: "${wrong}" is no http:// or https:// address`)
  return { server: addresses.at(-1), own: own.length === 0 ? undefined : own }
}

const parseError = (path: string, options: Options, error: unknown): Error => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (!(error instanceof Error) || typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS')) throw error
  const names = Object.entries(options).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ])
  const help = `"mcpctl ${path} --help" shows what it takes`
  const unknown = /Unknown option '([^']*)'/.exec(error.message)?.[1]
  if (unknown !== undefined) return usageError(`${path} has no flag ${unknown}`, didYouMean(unknown, names, help))
  return usageError(error.message.replace(/\.? To specify.*$/s, '').replaceAll('\n', ' '), help)
}

const argumentValues = (path: string, definitions: Arguments, words: readonly string[]): ExtraValues => {
  const values: Record<string, string | readonly string[] | undefined> = {}
  let left = words
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.required === true && left.length === 0)
      throw usageError(
        `${path} needs ${name.toUpperCase()}: ${definition.describe}`,
        `"mcpctl ${path} --help" has examples`,
      )
    values[name] = definition.many === true ? left : left[0]
    for (const word of definition.many === true ? left : left.slice(0, 1)) assertChoice(name, definition.choices, word)
    left = definition.many === true ? [] : left.slice(1)
  }
  if (left[0] !== undefined)
    throw usageError(`${path} does not know what to do with "${left[0]}"`, `"mcpctl ${path} --help" has examples`)
  return values
}

const optionValues = (path: string, definitions: Options, raw: Raw): ExtraValues => {
  const values: Record<string, ExtraValues[string]> = {}
  for (const [name, option] of Object.entries(definitions)) {
    const given = raw[name]
    if (given === undefined && option.required === true)
      throw usageError(`${path} needs --${name}: ${option.describe}`, `"mcpctl ${path} --help" has examples`)
    const all = (Array.isArray(given) ? given : given === undefined ? [] : [given]).map((each) =>
      converted(name, option, each),
    )
    values[name] =
      option.many === true
        ? all
        : (all.at(-1) ?? option.default ?? (option.type === 'boolean' && option.either !== true ? false : undefined))
  }
  return values
}

const converted = (name: string, option: Option, given: string | boolean): string | boolean | number => {
  if (typeof given === 'boolean') return given
  assertChoice(`--${name}`, option.choices, given)
  if (option.type !== 'number') return given
  const number = given.trim() === '' ? Number.NaN : Number(given)
  if (!Number.isFinite(number)) throw usageError(`--${name} must be a number, not "${given}"`)
  return number
}

const assertChoice = (name: string, choices: readonly string[] | undefined, given: string): void => {
  if (choices === undefined || choices.includes(given)) return
  throw usageError(`${name} cannot be "${given}"`, didYouMean(given, choices, `It is one of: ${choices.join(', ')}`))
}
