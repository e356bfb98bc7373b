import type { Deps } from './deps.ts'

/** One `--option` of a verb. */
export interface Option {
  readonly type: 'string' | 'boolean' | 'number'
  /** May be given more than once; its value is a list. */
  readonly many?: true
  /** One letter. */
  readonly short?: string
  readonly describe: string
  readonly default?: string | boolean | number
  readonly required?: true
  /** Of a switch: undefined where neither `--name` nor `--no-name` is given, instead of false. */
  readonly either?: true
  readonly choices?: readonly string[]
  /** What it means without a value, before another flag or at the end: `--dry-run -o yaml`. */
  readonly bare?: string
  /** What completion offers for the value, beside `choices`. */
  readonly complete?: 'file' | { readonly kind: string } | { readonly words: readonly string[] }
}
export type Options = Readonly<Record<string, Option>>

/** One positional word of a verb; their order is the order of the members. */
export interface Argument {
  readonly describe: string
  readonly required?: true
  /** Takes all words that are left. Only for the last one. */
  readonly many?: true
  readonly choices?: readonly string[]
  /** What completion offers: a kind, a name of the kind before it, `kind/name`, names of one kind, or tools of the project before it. */
  readonly complete?: 'kind' | 'name' | 'target' | 'tool' | { readonly kind: string }
}
export type Arguments = Readonly<Record<string, Argument>>

type Single<O extends Option> = O['type'] extends 'number' ? number : O['type'] extends 'boolean' ? boolean : string
type OptionValue<O extends Option> = O extends { readonly many: true }
  ? readonly Single<O>[]
  : O extends { readonly either: true }
    ? Single<O> | undefined
    : O extends
          | { readonly required: true }
          | { readonly default: string | boolean | number }
          | { readonly type: 'boolean' }
      ? Single<O>
      : Single<O> | undefined
type ArgumentValue<A extends Argument> = A extends { readonly many: true }
  ? readonly string[]
  : A extends { readonly required: true }
    ? string
    : string | undefined

/** What a verb's `run` is given: its arguments and options by name. */
export type Values<A extends Arguments, O extends Options> = {
  readonly [Name in keyof A]: ArgumentValue<A[Name]>
} & { readonly [Name in keyof O]: OptionValue<O[Name]> }

/** Values of options that are only known when the command line is read (`create server --package …`). */
export type ExtraValues = Readonly<
  Record<string, string | boolean | number | readonly (string | boolean | number)[] | undefined>
>

export interface Extra {
  readonly options: Options
  /** Instead of the verb's own, where there are some. */
  readonly examples: Examples
}
export type Examples = readonly (readonly [command: string, purpose: string])[]

/** One verb as its file defines it. It is imported only when it is used. */
export interface Verb<A extends Arguments = Arguments, O extends Options = Options> {
  readonly arguments: A
  readonly options: O
  /** Command line (`$0` is mcpctl) and what it is for. At least one. */
  readonly examples: Examples
  /** Printed after the options in the help. */
  readonly epilogue?: string
  /** More options, and better examples, depending on the word that follows the verb. */
  extra?(deps: Deps, word: string | undefined): Promise<Extra>
  /** Does it. Answers the exit code when that is not 0; throws CliError. */
  run(deps: Deps, values: Values<A, O>, extra: ExtraValues): Promise<number | undefined>
}

/** Only for the types: `run` gets what `arguments` and `options` declare. */
export const defineVerb = <const A extends Arguments, const O extends Options>(verb: Verb<A, O>): Verb<A, O> => verb

/** Any verb, as the table hands it out: what `run` is given is known only to the verb's own file. */
export type AnyVerb = Omit<Verb, 'run'> & {
  run(deps: Deps, values: ExtraValues, extra: ExtraValues): Promise<number | undefined>
}

/** What the table of verbs knows of one: enough for help and completion of the first word, and where the rest is. */
export interface VerbEntry {
  /** One or two words: `get`, `admin rebuild`. */
  readonly path: string
  readonly summary: string
  readonly hidden?: true
  load(): Promise<AnyVerb>
}
