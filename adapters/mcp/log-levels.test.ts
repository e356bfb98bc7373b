import { describe, expect, it } from 'vitest'
import { isLogLevel } from '../../domain/mcp/log-levels.ts'
import { isWanted, mostVerbose } from './log-levels.ts'

describe('log levels', () => {
  it('serve everybody with the most verbose one', () => {
    expect(mostVerbose(['error', 'notice', 'emergency'])).toBe('notice')
    expect(mostVerbose([])).toBeUndefined()
  })

  it('count who asked for nothing as info', () => {
    expect(mostVerbose(['error', undefined])).toBe('info')
    expect(mostVerbose(['debug', undefined])).toBe('debug')
    expect(isWanted('debug', undefined)).toBe(false)
    expect(isWanted('info', undefined)).toBe(true)
  })

  it('let through what is as urgent as asked for, and what nobody knows', () => {
    expect(['debug', 'warning', 'alert'].map((level) => isWanted(level, 'warning'))).toEqual([false, true, true])
    expect([isWanted('fatal', 'emergency'), isWanted(undefined, 'emergency')]).toEqual([true, true])
  })

  it('are those of MCP only', () => {
    expect(['debug', 'emergency', 'trace', '', 3, null, undefined].map(isLogLevel)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ])
  })
})
