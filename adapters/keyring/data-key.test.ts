import { describe, expect, it } from 'vitest'
import { dataKey, newKey, unwrap, wrap } from './data-key.ts'
import { newMasterKey } from './master-key.ts'

const [uid, other] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']
const at = '2026-01-01T00:00:00.000Z'

describe('a data key', () => {
  it('refuses a value of another secret even under the same key', () => {
    const key = newKey()
    const sealed = dataKey(uid, key).seal('K', 'value')
    expect(dataKey(uid, key).open('K', sealed)).toBe('value')
    expect(() => dataKey(other, key).open('K', sealed)).toThrow('does not open')
  })

  it('refuses base64 that was changed where it holds no bits', () => {
    const key = dataKey(uid, newKey())
    const sealed = key.seal('K', 'a') // one byte: the last four bits of the second character mean nothing
    const second = sealed.ciphertext[1] ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const changed = alphabet[alphabet.indexOf(second) + 1] ?? ''
    const ciphertext = `${sealed.ciphertext[0]}${changed}==`
    expect(Buffer.from(ciphertext, 'base64')).toEqual(Buffer.from(sealed.ciphertext, 'base64'))
    expect(() => key.open('K', { ...sealed, ciphertext })).toThrow('does not open')
  })

  it('refuses anything before, between or after', () => {
    const key = dataKey(uid, newKey())
    const sealed = key.seal('K', 'value')
    for (const ciphertext of ['', ` ${sealed.ciphertext}`, `${sealed.ciphertext}\n`, `${sealed.ciphertext}AAAA`])
      expect(() => key.open('K', { ...sealed, ciphertext })).toThrow('does not open')
  })

  it('is the same after it was wrapped and unwrapped, for its own secret and master key only', () => {
    const [master, key] = [newMasterKey(), newKey()]
    const wrapped = wrap(master, uid, at, key)
    expect(unwrap(master, uid, wrapped).equals(key)).toBe(true)
    expect(() => unwrap(master, other, wrapped)).toThrow('does not open')
    expect(() => unwrap(newMasterKey(), uid, wrapped)).toThrow('does not open')
  })
})
