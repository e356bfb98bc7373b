import { messageOf } from '../domain/kernel/errors.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import type { Output } from './output/output.ts'
import { type Head, parseHead, parseRest } from './parse.ts'
import { didYouMean } from './suggest.ts'
import type { AnyVerb, Extra, VerbEntry } from './verb.ts'

export interface Program {
  readonly verbs: readonly VerbEntry[]
  readonly out: Output
  /** Debugging: stacks of errors. */
  readonly debug: boolean
  /** Everything a verb gets, once the address of mcpd is known from the flags. */
  connect(flags: { readonly server: string | undefined }): Promise<Deps>
}

/** Runs one command line and answers the exit code. Prints errors; throws nothing. */
export const main = async (argv: readonly string[], program: Program): Promise<number> => {
  try {
    return await runLine(argv, program)
  } catch (error) {
    return report(error, program)
  }
}

const runLine = async (argv: readonly string[], program: Program): Promise<number> => {
  const { verbs, out } = program
  const head = parseHead(argv, verbs)
  if (head.entry === undefined) return await withoutVerb(head, program)
  const verb = await head.entry.load()
  const deps = await program.connect({ server: head.server ?? serverIn(head.rest) })
  try {
    const extra = await extraOf(verb, deps, head.rest)
    const parsed = parseRest(head.entry.path, verb, extra.options, head.rest)
    if (head.help || parsed.help) {
      const { verbHelp } = await import('./help.ts')
      out.line(await verbHelp(head.entry, verb, extra, out.columns))
      return exitCode.ok
    }
    return (await verb.run(deps, parsed.values, parsed.extra)) ?? exitCode.ok
  } finally {
    out.endProgress()
    deps.api.close()
  }
}

const extraOf = async (verb: AnyVerb, deps: Deps, rest: readonly string[]): Promise<Extra> => {
  const word = rest[0]?.startsWith('-') === true ? undefined : rest[0]
  return (await verb.extra?.(deps, word)) ?? { options: {}, examples: [] }
}

/** The address among the flags after the verb; which of them it is does not depend on the verb, see `parse.ts`. */
const serverIn = (rest: readonly string[]): string | undefined => {
  const words = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  let server: string | undefined
  for (const [i, word] of words.entries()) {
    const inline = /^(?:--server|-s)=(.*)$/s.exec(word)?.[1]
    const value = inline ?? (word === '--server' || word === '-s' ? words[i + 1] : undefined)
    if (value?.includes('://') === true) server = value
  }
  return server
}

const withoutVerb = async ({ typed }: Head, { verbs, out }: Program): Promise<number> => {
  const { overview, familyHelp } = await import('./help.ts')
  if (typed === '' || typed === 'help') {
    out.line(await overview(verbs, out.columns))
    return exitCode.ok
  }
  if (verbs.some(({ path }) => path.startsWith(`${typed} `))) {
    out.line(await familyHelp(typed, verbs, out.columns))
    return exitCode.ok
  }
  const names = verbs.filter(({ hidden }) => hidden !== true).map(({ path }) => path)
  throw usageError(`there is no verb "${typed}"`, didYouMean(typed, names, '"mcpctl --help" lists the verbs'))
}

/** Prints an error to stderr: what happened, the fields, what to do. Answers its exit code. */
export const report = (error: unknown, { out, debug }: Pick<Program, 'out' | 'debug'>): number => {
  out.endProgress()
  if (!(error instanceof CliError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    out.note(debug ? stack : `error: ${messageOf(error)}`)
    if (!debug) out.note('This is a bug in mcpctl. MCPCTL_DEBUG=1 shows where.')
    return exitCode.failed
  }
  if (error.code === 'interrupted') return error.exit
  out.note(errorText(error))
  if (debug) out.note(error.stack ?? '')
  return error.exit
}

/** An error as people read it, on one or more lines. */
export const errorText = (error: CliError): string =>
  [
    `error: ${error.message}`,
    ...error.fields.map(({ path, message }) => `  ${path === '' ? 'document' : path}: ${message}`),
    ...(error.hint === undefined ? [] : [`hint: ${error.hint}`]),
  ].join('\n')
