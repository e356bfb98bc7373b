import { describe, expect, it } from 'vitest'
import { secretKeyDestroyed } from '../../domain/secret/keyring-errors.ts'
import { serverSpec } from '../../domain/server/resource.ts'
import { type LoadSecret, resolveEnv } from './resolve-env.ts'

const fromSecret = (name: string, secret: string, key: string) => ({
  name,
  valueFrom: { secretRef: { name: secret, key } },
})
const envOf = (...env: object[]) => serverSpec.parse({ command: 'x', env }).env
const load: LoadSecret = async (name) =>
  name === 'github' ? { TOKEN: 'hunter2', OTHER: 'swordfish', NUL: 'a\0b' } : undefined

describe('the environment of a server', () => {
  it('has literal values and those of secrets, and says which ones are secret', async () => {
    const declared = envOf(
      { name: 'MODE', value: 'fast' },
      { name: 'EMPTY', value: '' },
      fromSecret('GITHUB_TOKEN', 'github', 'TOKEN'),
      fromSecret('AGAIN', 'github', 'TOKEN'),
    )
    expect(await resolveEnv(declared, load)).toEqual({
      env: { MODE: 'fast', EMPTY: '', GITHUB_TOKEN: 'hunter2', AGAIN: 'hunter2' },
      secretValues: ['hunter2'],
    })
  })

  it('loads each secret once', async () => {
    const loaded: string[] = []
    const counting: LoadSecret = (name) => {
      loaded.push(name)
      return load(name)
    }
    await resolveEnv(envOf(fromSecret('A', 'github', 'TOKEN'), fromSecret('B', 'github', 'OTHER')), counting)
    expect(loaded).toEqual(['github'])
  })

  it.each([
    ['a key that is not there', fromSecret('T', 'github', 'TOKE'), 'env T: secret/github has no key TOKE'],
    ['a key that every object has', fromSecret('T', 'github', 'toString'), 'env T: secret/github has no key toString'],
    ['a secret that is not there', fromSecret('T', 'gitlab', 'TOKEN'), 'env T: secret/gitlab does not exist'],
    [
      'a value no environment can hold',
      fromSecret('T', 'github', 'NUL'),
      'env T: key NUL of secret/github holds a NUL character',
    ],
  ])('is refused for %s, naming variable, secret and key', (_what, variable, message) =>
    expect(resolveEnv(envOf(variable), load)).rejects.toMatchObject({ code: 'env-unresolved', message }),
  )

  it('says why a secret cannot be opened', () =>
    expect(
      resolveEnv(envOf(fromSecret('T', 'github', 'TOKEN')), () => Promise.reject(secretKeyDestroyed('secret u'))),
    ).rejects.toThrow('env T: secret/github cannot be read: the data key of secret u does not exist'))

  it('does not take a bug for a missing secret', () =>
    expect(
      resolveEnv(envOf(fromSecret('T', 'github', 'TOKEN')), () => Promise.reject(new TypeError('a bug'))),
    ).rejects.toThrow(TypeError))
})
