import { describe, expect, it } from 'vitest'
import { commandFor } from './package-program.ts'

const node = process.execPath

describe('the command for a program of a package', () => {
  it.each([
    ['bin.js', '/usr/bin/env node', node, ['bin.js']],
    ['bin', '/usr/local/bin/node', node, ['bin']],
    ['bin.js', '/usr/bin/env -S node --no-warnings', node, ['--no-warnings', 'bin.js']],
    ['bin.mjs', '', node, ['bin.mjs']],
    ['bin', '/usr/bin/env python3', 'bin', []],
    ['bin.sh', '/bin/sh', 'bin.sh', []],
    ['bin', '', 'bin', []],
  ])('%s with the first line %j', (file, shebang, command, args) =>
    expect(commandFor(file, shebang)).toEqual({ command, args }),
  )
})
