import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_REDACTED_TEXT_CHARS, REDACTED, redactor } from './redact.ts'

const secret = 'p@ss/word+1 ü"'

describe('the redactor', () => {
  const redact = redactor([secret])

  it.each([
    ['clear', secret],
    ['JSON', JSON.stringify(secret).slice(1, -1)],
    ['JSON inside JSON', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
    ['JSON in ASCII', 'p@ss/word+1 \\u00fc\\"'],
    ['JSON in ASCII inside JSON', 'p@ss/word+1 \\\\u00fc\\\\\\"'],
    ['base64', Buffer.from(secret).toString('base64').replace(/=+$/, '')],
    ['base64url', Buffer.from(secret).toString('base64url')],
    ['hex', Buffer.from(secret).toString('hex')],
    ['upper-case hex', Buffer.from(secret).toString('hex').toUpperCase()],
    ['a URL', encodeURIComponent(secret)],
    ['a URL in lower case', 'p%40ss%2fword%2b1%20%c3%bc%22'],
    ['a form', new URLSearchParams({ '': secret }).toString().slice(1)],
  ])('blacks a value out in %s', (_form, text) => {
    const redacted = redact(`before ${text} after`)
    expect(redacted).toContain(REDACTED)
    expect(redacted.startsWith('before ')).toBe(true)
    expect(redacted.endsWith(' after')).toBe(true)
    expect(redacted).not.toContain(text)
  })

  it.each(['', 'u', 'us', 'user:'])(
    'blacks a value out in the base64 of a longer text that begins with "%s"',
    (before) => {
      const value = 'correct-horse-battery-staple'
      const text = Buffer.from(`${before}${value}:after`).toString('base64')
      const redacted = redactor([value])(text)
      expect(redacted).toContain(REDACTED)
      expect(redacted.length).toBeLessThan(text.length - 20)
    },
  )

  it('finds a value from a file although its last line break is not repeated', () =>
    expect(redactor(['hunter2\n'])('login hunter2 failed')).toBe(`login ${REDACTED} failed`))

  it('finds each line of a value of many lines', () =>
    expect(redactor(['-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n'])('  MIIEvQIBADANBgkq')).toBe(
      `  ${REDACTED}`,
    ))

  it('blacks out the longer of two values that begin alike', () =>
    expect(redactor(['secret-1', 'secret-123'])('a secret-123 b')).toBe(`a ${REDACTED} b`))

  it('leaves values of fewer than six characters alone', () =>
    expect(redactor(['true'])('it is true')).toBe('it is true'))

  it('leaves a text without values as it is', () => expect(redact('nothing here')).toBe('nothing here'))

  it('cuts a text that is too long, and the beginning of a value with it', () => {
    const text = `${'x'.repeat(MAX_REDACTED_TEXT_CHARS - 8)}${secret}`
    const redacted = redact(text)
    expect(redacted).toContain(`${REDACTED}…`)
    expect(redacted).not.toContain(secret.slice(0, 6))
  })

  it('never lets a value through, whatever stands around it', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 6, maxLength: 40 }),
        fc.string({ maxLength: 40 }),
        fc.string({ maxLength: 40 }),
        (value, before, after) => {
          const inside = REDACTED.includes(value) || value.includes(REDACTED)
          fc.pre(!inside)
          expect(redactor([value])(`${before}${value}${after}`).includes(value)).toBe(false)
        },
      ),
    ))

  it('does not choke on half a surrogate pair', () => expect(redactor(['\ud800abcdef'])('abc')).toBe('abc'))
})
