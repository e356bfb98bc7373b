import type { DefaultBackend } from '../../commands/default-backend.ts'
import type { CommandLoop } from '../../commands/handle.ts'
import { type KindHooks, loadDeclared } from '../../commands/resources.ts'
import { openSecretValues } from '../../commands/secrets/open-secret.ts'
import {
  type CompleteSecretSpec,
  completeSecret,
  type SecretSpec,
  type StoredSecret,
  sealSecret,
} from '../../commands/secrets/prepare-secret.ts'
import { instanceDecider } from '../../domain/instance/decide.ts'
import type { Clock } from '../../domain/kernel/clock.ts'
import { type DeclaredState, notFound } from '../../domain/kernel/declared.ts'
import { isError } from '../../domain/kernel/errors.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import type { Keyring } from '../../domain/secret/keyring.ts'
import type { StoredSecretSpec } from '../../domain/secret/resource.ts'

/** What kinds do beyond being declared and deleted. */
export const kindHooks = (deps: {
  readonly loop: CommandLoop
  readonly keyring: Keyring
  readonly defaultBackend: DefaultBackend
  readonly clock: Clock
}): Readonly<Record<string, KindHooks>> => ({
  secret: {
    async complete(spec, state) {
      const present = storedSecret(state)
      const backend = present?.spec.backend ?? (await deps.defaultBackend.current()) ?? 'default'
      return { ...completeSecret(spec as unknown as SecretSpec, present?.spec, backend) }
    },
    async prepare({ uid, spec, state, dryRun }) {
      const whole = spec as unknown as CompleteSecretSpec
      return (await sealSecret(deps.keyring, { spec: whole, present: storedSecret(state), newUid: uid, dryRun })).spec
    },
    afterDelete: (_ref, uid) => deps.keyring.destroy(uid),
  },
  instance: {
    delete: async (ref, context) => {
      const { actor } = context
      const reason = `deleted by ${actor.kind}:${actor.name}`
      const command = { type: 'StopInstance', instance: ref.name, at: deps.clock.now().toISOString(), reason } as const
      const done = await deps.loop.handle(instanceDecider, `instance-${ref.name}`, command, context)
      if (done.outcome === 'unchanged') throw notFound(ref)
      return done
    },
  },
})

const storedSecret = ({ status, uid, spec }: DeclaredState): StoredSecret | undefined =>
  status === 'present' && uid !== undefined ? { uid, spec: spec as unknown as StoredSecretSpec } : undefined

/** Reads the clear values of secrets, from the log and the keyring. */
export const secretReader = (loop: CommandLoop, registry: Registry, keyring: Keyring) => {
  const values = async (name: string): Promise<Readonly<Record<string, string>>> => {
    const kind = registry.find('secret')
    if (kind === undefined) throw new Error('the kind secret is not registered')
    const { uid, spec } = await loadDeclared(loop, kind, name)
    return openSecretValues(uid ?? '', spec as unknown as StoredSecretSpec, keyring)
  }
  return {
    /** @throws NotFound, SecretKeyDestroyed, SecretUnreadable */
    values,
    /** Undefined when there is no such secret. */
    find: async (name: string): Promise<Readonly<Record<string, string>> | undefined> => {
      try {
        return await values(name)
      } catch (error) {
        if (isError(error, notFound)) return undefined
        throw error
      }
    },
  }
}
