import { CodedError, coded } from '../../domain/kernel/errors.ts'
import type { ServerSpec } from '../../domain/server/resource.ts'
import type { SecretValues } from './open-secret.ts'

/** The environment an instance is started with. */
export interface ResolvedEnv {
  readonly env: Readonly<Record<string, string>>
  /** Those values of it that came from secrets: what must not appear in a log. */
  readonly secretValues: readonly string[]
}

/** Answers a secret's values by its name; undefined when there is no such secret. May throw what opening one throws. */
export type LoadSecret = (name: string) => Promise<SecretValues | undefined>

/** 422: an instance is not started without all of its environment. The message is the reason its status shows. */
export const envUnresolved = coded(
  'env-unresolved',
  422,
  'A server needs a secret that cannot be read',
  (name: string, reason: string, hint: string) => ({ message: `${name}: ${reason}`, hint, env: name }),
)

/** What cannot stand in a value, and what to say of it. */
const FORBIDDEN = {
  env: { pattern: /\0/, message: 'holds a NUL character', hint: 'No environment can hold one: encode the value' },
  header: {
    pattern: /[\0\r\n]/,
    message: 'holds a line break or a NUL character',
    hint: 'No HTTP header can hold one: was it put into the secret with a line break at its end?',
  },
} as const

/**
 * The environment of a server, or its headers, secrets and all. Each secret is loaded once.
 *
 * @throws EnvUnresolved naming variable, secret and key: "env GITHUB_TOKEN: secret/github has no key TOKEN"
 */
export const resolveEnv = async (
  declared: ServerSpec['env'],
  loadSecret: LoadSecret,
  what: keyof typeof FORBIDDEN = 'env',
): Promise<ResolvedEnv> => {
  const loading = new Map<string, Promise<SecretValues | undefined>>()
  const load = (secret: string): Promise<SecretValues | undefined> => {
    const present = loading.get(secret) ?? loadSecret(secret)
    loading.set(secret, present)
    return present
  }
  const env: [string, string][] = []
  const secretValues = new Set<string>()
  for (const { name, value, valueFrom } of declared) {
    if (valueFrom === undefined) {
      env.push([name, value ?? ''])
      continue
    }
    const resolved = await resolve(`${what} ${name}`, valueFrom.secretRef, load)
    const { pattern, message, hint } = FORBIDDEN[what]
    const { key, name: secret } = valueFrom.secretRef
    if (pattern.test(resolved))
      throw envUnresolved(`${what} ${name}`, `key ${key} of secret/${secret} ${message}`, hint)
    env.push([name, resolved])
    secretValues.add(resolved)
  }
  return { env: Object.fromEntries(env), secretValues: [...secretValues] }
}

const resolve = async (
  name: string,
  { name: secret, key }: { readonly name: string; readonly key: string },
  load: LoadSecret,
): Promise<string> => {
  const values = await load(secret).catch((error: unknown) => {
    if (!(error instanceof CodedError)) throw error
    throw envUnresolved(name, `secret/${secret} cannot be read: ${error.message}`, error.details.hint ?? 'Try again')
  })
  if (values === undefined)
    throw envUnresolved(
      name,
      `secret/${secret} does not exist`,
      `"mcpctl create secret ${secret} --from-stdin ${key}" makes it`,
    )
  const value = Object.hasOwn(values, key) ? values[key] : undefined
  if (value === undefined)
    throw envUnresolved(name, `secret/${secret} has no key ${key}`, `"mcpctl describe secret ${secret}" lists its keys`)
  return value
}

/**
 * What an image's registry asks for.
 * @throws EnvUnresolved when there is no such secret, or it has not the keys `username` and `password`
 */
export const imageCredentials = async (
  secret: string | undefined,
  loadSecret: LoadSecret,
): Promise<{ readonly username: string; readonly password: string } | undefined> => {
  if (secret === undefined) return undefined
  const of = (key: string) => ({ name: key, valueFrom: { secretRef: { name: secret, key } } })
  const { env } = await resolveEnv([of('username'), of('password')], loadSecret)
  return { username: env.username ?? '', password: env.password ?? '' }
}
