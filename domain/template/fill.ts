import type { ServerSpec } from '../server/resource.ts'
import { PLACEHOLDER, type TemplateSpec, type TemplateVariable } from './resource.ts'

/** One key of a secret. */
export interface SecretKey {
  readonly name: string
  readonly key: string
}

/** What a template's variables are given, by their names. */
export interface GivenValues {
  /** In clear: never for a variable that is a secret. */
  readonly values: ReadonlyMap<string, string>
  readonly secrets: ReadonlyMap<string, SecretKey>
}

const isGiven = ({ name }: TemplateVariable, { values, secrets }: GivenValues): boolean =>
  values.has(name) || secrets.has(name)

/** What has to be given still, in the template's order. */
export const missingFrom = ({ environment }: TemplateSpec, given: GivenValues): readonly TemplateVariable[] =>
  environment.filter((each) => each.required && each.default === undefined && !isGiven(each, given))

/** One thing that a template cannot take as it was given. */
export interface GivenFlaw {
  readonly name: string
  readonly problem: 'secret-in-clear' | 'argument-from-secret'
}

/** What must not be given like this: a secret in clear, or a secret for what stands on a command line. */
export const flawsOfGiven = ({ environment }: TemplateSpec, { values, secrets }: GivenValues): readonly GivenFlaw[] =>
  environment.flatMap(({ name, secret, argument }): readonly GivenFlaw[] => {
    if (secret && values.has(name)) return [{ name, problem: 'secret-in-clear' }]
    return argument && secrets.has(name) ? [{ name, problem: 'argument-from-secret' }] : []
  })

/**
 * The spec of a server made from a template: its own, with what was given and the defaults of what was not. What the
 * template does not know becomes part of the environment too, and wins over what it fixes.
 */
export const fillTemplate = ({ environment, server }: TemplateSpec, given: GivenValues): ServerSpec => {
  const inArgs = new Set(environment.filter((each) => each.argument).map(({ name }) => name))
  const values = new Map<string, string>()
  for (const { name, default: value } of environment) if (value !== undefined) values.set(name, value)
  for (const [name, value] of given.values) values.set(name, value)
  for (const name of given.secrets.keys()) values.delete(name)
  const env = [
    ...[...values].filter(([name]) => !inArgs.has(name)).map(([name, value]) => ({ name, value })),
    ...[...given.secrets].map(([name, secretRef]) => ({ name, valueFrom: { secretRef } })),
  ]
  const set = new Set(env.map(({ name }) => name))
  return {
    ...server,
    args: server.args.flatMap((text) => filled(text, values)),
    env: [...server.env.filter(({ name }) => !set.has(name)), ...env],
  }
}

/** An argument with its values in place; one that is nothing but a value that was not given is left out. */
const filled = (text: string, values: ReadonlyMap<string, string>): readonly string[] => {
  const names = [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name)
  if (names.length > 0 && names.every((name) => !values.has(name))) return []
  return [text.replace(PLACEHOLDER, (_whole, name: string) => values.get(name) ?? '')]
}
