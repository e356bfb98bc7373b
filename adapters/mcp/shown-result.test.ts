import { expect, it } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { redactor } from '../../domain/secret/redact.ts'
import { MAX_SHOWN_CHARACTERS, shownResult } from './shown-result.ts'

const redact = redactor(['hunter2'])

it('takes secrets out of every text, and leaves the rest as it is', () =>
  expect(shownResult({ a: ['is hunter2', 1, null, true], hunter2: { deep: [{ b: 'aHVudGVyMg' }] } }, redact)).toEqual({
    a: ['is [redacted]', 1, null, true],
    '[redacted]': { deep: [{ b: '[redacted]' }] },
  }))

it('does not search what is very long', () => {
  expect(shownResult({ a: 'x'.repeat(MAX_SHOWN_CHARACTERS) }, redact)).toBeUndefined()
})

it('cuts off what is nested very deep', () => {
  let deep: JsonObject = { text: 'hunter2' }
  for (let i = 0; i < 1000; i += 1) deep = { deep }
  const text = JSON.stringify(shownResult(deep, redact))
  expect(text).toContain('…')
  expect(text).not.toContain('hunter2')
})
