import { join } from 'node:path'
import { describe } from 'vitest'
import { readSideSuite } from './testing/read-side-suite.ts'

describe('the read side on an embedded database', { timeout: 60_000 }, () => {
  readSideSuite(
    () => ({ kind: 'pglite-here' }),
    (folder) => ({ kind: 'pglite-here', folder: join(folder, 'rows') }),
  )
})
