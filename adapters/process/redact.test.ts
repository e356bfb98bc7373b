import { expect, it } from 'vitest'
import { redactor } from './redact.ts'

const secret = 'p@ss "word"/1'
const redact = redactor([secret, 'short', 'p@ss "word"/1-and-more', '-----KEY-----\nline-one\nline-two'])

it.each([
  ['as it is', `token=${secret};`, 'token=[redacted];'],
  ['in JSON', JSON.stringify({ a: secret }), '{"a":"[redacted]"}'],
  ['in a URL', `?t=${encodeURIComponent(secret)}&b=1`, '?t=[redacted]&b=1'],
  ['in base64', Buffer.from(secret).toString('base64'), '[redacted]=='],
  ['in hex', Buffer.from(secret).toString('hex'), '[redacted]'],
  ['twice', `${secret} ${secret}`, '[redacted] [redacted]'],
  ['inside a longer secret', `${secret}-and-more`, '[redacted]'],
  ['as one line of several', 'read line-two', 'read [redacted]'],
])('takes a secret out %s', (_, text, clean) => expect(redact(text)).toBe(clean))

it('leaves values shorter than six characters', () => expect(redact('a short text')).toBe('a short text'))
it('leaves a text without secrets as it is', () => expect(redactor([])('text')).toBe('text'))
