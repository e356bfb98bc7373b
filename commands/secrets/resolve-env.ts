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
  'A variable of a server comes from a secret that cannot be read',
  (name: string, reason: string, hint: string) => ({ message: `env ${name}: ${reason}`, hint, env: name }),
)

/**
 * The environment of a server, secrets and all. Each secret is loaded once.
 *
 * @throws EnvUnresolved naming variable, secret and key: "env GITHUB_TOKEN: secret/github has no key TOKEN"
 */
export const resolveEnv = async (declared: ServerSpec['env'], loadSecret: LoadSecret): Promise<ResolvedEnv> => {
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
    const resolved = await resolve(name, valueFrom.secretRef, load)
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
  if (value.includes('\0'))
    throw envUnresolved(
      name,
      `key ${key} of secret/${secret} holds a NUL character`,
      'No environment can hold one: encode the value',
    )
  return value
}
