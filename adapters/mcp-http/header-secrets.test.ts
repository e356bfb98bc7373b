import { describe, expect, it } from 'vitest'
import { headerRedactor } from './header-secrets.ts'

describe("headers' values", () => {
  const redact = headerRedactor(['Bearer abcdefgh12345678', 'Basic dXNlcjpodW50ZXIyMDI2', 'a=1; sid=cookie-0815-x'])

  it.each([
    ['the whole value', 'got "Bearer abcdefgh12345678"', 'got "[redacted]"'],
    ['the token alone', 'unknown token abcdefgh12345678', 'unknown token [redacted]'],
    ['what Basic holds', 'no such user: user:hunter2026', 'no such user: [redacted]'],
    ['its password alone', 'wrong password hunter2026!', 'wrong password [redacted]!'],
    ['one cookie of several', 'expired: cookie-0815-x', 'expired: [redacted]'],
  ])('are taken out of a text: %s', (_what, text, clean) => expect(redact(text)).toBe(clean))

  it('leaves the names of schemes', () => expect(redact('use Bearer or Basic')).toBe('use Bearer or Basic'))
})
