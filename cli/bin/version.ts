import { readFileSync } from 'node:fs'
import { codeOf } from '../../domain/kernel/errors.ts'

/** The package's version. Sources and the build lie at different depths below package.json. */
export const version: string = (() => {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      return String(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }
  throw new Error('package.json was not found beside the program')
})()
