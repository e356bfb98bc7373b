import { expect, it } from 'vitest'
import { mcpdAddress, mcpdConfig, portOf } from './mcpd-config.ts'

const hint = (program: string) =>
  expect.objectContaining({ details: { hint: `"${program} --help" lists all of them` } })

it('what is wrong leads to the help of the program that reads it', async () => {
  await expect(mcpdConfig({}, { MCPD_PORT: 'x' })).rejects.toEqual(hint('mcpd'))
  expect(() => portOf({ MCPLOCAL_PORT: 'x' }, 'MCPLOCAL_PORT')).toThrow(hint('mcplocal'))
})

it('mcplocal starts for no mcpd that cannot be one', () => {
  expect(mcpdAddress('https://mcpd.example.com')).toBe('https://mcpd.example.com')
  for (const wrong of ['x', '', 'ftp://x', '127.0.0.1:3100']) expect(() => mcpdAddress(wrong)).toThrow(hint('mcplocal'))
})
