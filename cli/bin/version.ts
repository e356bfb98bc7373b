import { readFileSync } from 'node:fs'

/** The package's version. Sources and the build lie at different depths below package.json. */
export const version: string = (() => {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      return String(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  throw new Error('package.json was not found beside the program')
})()
