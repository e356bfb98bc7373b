import { expect, it } from 'vitest'
import { exitReason, inOneLine, withoutOutput } from './exit-reason.ts'

const ended = (stderr: string): string => exitReason({ code: 1, signal: null, because: undefined, stderr })

it('is one line with what the program printed last', () =>
  expect(inOneLine(ended('starting\nno licence in /etc/licence'))).toBe(
    'The program ended by itself with exit code 1: no licence in /etc/licence',
  ))

it('is one line with the error among what it printed last', () =>
  expect(inOneLine(ended("Error: Cannot find module 'x'\n    at node:internal:1\n\nNode.js v20.20.2"))).toBe(
    "The program ended by itself with exit code 1: Error: Cannot find module 'x'",
  ))

it('is what happened where the program printed nothing, or something else is the reason', () => {
  expect(inOneLine(ended(''))).toBe('The program ended by itself with exit code 1; it wrote nothing on stderr.')
  expect(inOneLine('npm failed:\nno network')).toBe('npm failed:')
})

it('can be told without what was printed', () => {
  expect(withoutOutput(ended('a\nb'))).toBe('The program ended by itself with exit code 1.')
  expect(withoutOutput('it was stopped')).toBe('it was stopped')
})
