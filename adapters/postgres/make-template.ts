import { startPGlite } from './pglite.ts'
import { writeTemplate } from './pglite-template.ts'

// Run after a build: `node dist/adapters/postgres/make-template.js`.
const empty = await startPGlite(undefined)
await writeTemplate(empty)
await empty.close()
