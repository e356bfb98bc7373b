import yargs from 'yargs'
import { EXIT_CODES_HELP } from './errors.ts'
import { globalOptions } from './parse.ts'
import type { AnyVerb, Arguments, Examples, Extra, Option, Options, VerbEntry } from './verb.ts'

const MAX_WIDTH = 110

/** The help of mcpctl itself: every verb, global flags, exit codes. */
export const overview = async (verbs: readonly VerbEntry[], columns: number): Promise<string> => {
  const text = sheet(columns).usage(
    'mcpctl: servers, projects and secrets of your MCP agents, and the log of everything that happened to them\n\nUsage: $0 VERB [ARGUMENTS] [FLAGS]',
  )
  for (const { path, summary, hidden } of verbs) if (hidden !== true) text.command(path, summary)
  withOptions(text, globalOptions)
  const environment = `Environment:
  MCPCTL_SERVER    address of mcpd, instead of http://127.0.0.1:3100
  MCPCTL_MCPLOCAL  address of mcplocal, instead of http://127.0.0.1:3200
  MCPCTL_TOKEN     bearer token, instead of the one "mcpctl login" stored
  MCPCTL_HOME      folder of mcpctl's own files, instead of ~/.mcpctl
  MCPCTL_DEBUG     1: stack traces of errors`
  text.epilogue(`${EXIT_CODES_HELP}\n\n${environment}\n\n"mcpctl VERB --help" explains a verb and has examples.`)
  return await text.getHelp()
}

/** The help of one verb. */
export const verbHelp = async (entry: VerbEntry, verb: AnyVerb, extra: Extra, columns: number): Promise<string> => {
  const text = sheet(columns).usage(
    `${entry.summary}\n\nUsage: $0 ${entry.path}${argumentsText(verb.arguments)} [FLAGS]`,
  )
  for (const [name, { describe, choices }] of Object.entries(verb.arguments))
    text.positional(name, { describe, type: 'string', ...(choices === undefined ? {} : { choices }) })
  withOptions(text, { ...verb.options, ...extra.options })
  withOptions(text, globalOptions, 'Global flags:')
  const examples = examplesText(extra.examples.length > 0 ? extra.examples : verb.examples)
  return [await text.getHelp(), examples, ...(verb.epilogue === undefined ? [] : [verb.epilogue])].join('\n\n')
}

/** `mcpctl admin` alone: the verbs that begin so. */
export const familyHelp = async (family: string, verbs: readonly VerbEntry[], columns: number): Promise<string> => {
  const text = sheet(columns).usage(`Usage: $0 ${family} VERB`)
  for (const { path, summary } of verbs.filter((entry) => entry.path.startsWith(`${family} `)))
    text.command(path, summary)
  return await text.getHelp()
}

const sheet = (columns: number) =>
  yargs([]).scriptName('mcpctl').locale('en').help(false).version(false).wrap(Math.min(columns, MAX_WIDTH))

/** Not yargs' own: it would break long command lines into pieces that nobody can copy. */
const examplesText = (examples: Examples): string =>
  [
    'Examples:',
    ...examples.map(([command, purpose]) => `  # ${purpose}\n  ${command.replaceAll('$0', 'mcpctl')}`),
  ].join('\n')

const argumentsText = (definitions: Arguments): string =>
  Object.entries(definitions)
    .map(([name, { required, many }]) => {
      const word = `${name.toUpperCase()}${many === true ? '...' : ''}`
      return required === true ? ` ${word}` : ` [${word}]`
    })
    .join('')

const withOptions = (text: ReturnType<typeof sheet>, options: Options, group = 'Flags:'): void => {
  for (const [name, option] of Object.entries(options)) text.option(name, { ...optionText(option), group })
}

const optionText = ({ type, many, short, describe, choices, ...option }: Option) => ({
  type: many === true ? ('array' as const) : type,
  describe,
  ...(short === undefined ? {} : { alias: short }),
  ...(choices === undefined ? {} : { choices }),
  ...(option.default === undefined ? {} : { default: option.default }),
  ...(option.required === undefined ? {} : { demandOption: true }),
})
