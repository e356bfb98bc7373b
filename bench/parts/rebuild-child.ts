import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DatabaseLocation } from '../../adapters/postgres/read-side.ts'
import type { Logger } from '../../domain/kernel/logger.ts'

// A process of its own, so that its memory is the rebuild's: fills the rows of a log as mcpd does, from the built code.
const [logFolder = '', place = ''] = process.argv.slice(2)
const built = (path: string): string => {
  const url = new URL(`../../dist/${path}`, import.meta.url)
  if (!existsSync(fileURLToPath(url))) throw new Error('"npm run build" first: the bench runs the built code')
  return url.href
}
const { openReadSide } = (await import(
  built('adapters/postgres/read-side.js')
)) as typeof import('../../adapters/postgres/read-side.ts')
const { openEmbeddedLog } = (await import(
  built('adapters/embedded-log/embedded-log.js')
)) as typeof import('../../adapters/embedded-log/embedded-log.ts')
const { catalog } = (await import(built('domain/catalog.js'))) as typeof import('../../domain/catalog.ts')
const { kinds } = (await import(built('domain/registry.js'))) as typeof import('../../domain/registry.ts')
const { createRegistry } = (await import(
  built('domain/kernel/registry.js')
)) as typeof import('../../domain/kernel/registry.ts')

/** Told by the projector when the rows are there, with the time it took. */
let wentLive: (ms: number) => void = () => undefined
const logger: Logger = {
  debug: () => undefined,
  info: (fields) => ('ms' in fields ? wentLive(Number(fields.ms)) : undefined),
  warn: (fields, message) => console.error(message, fields),
  error: (fields, message) => console.error(message, fields),
}

/** Memory that is the process's own, in MB: the log's file, which the system maps into it, is not. */
const memory = (): number => {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

const log = await openEmbeddedLog({ folder: logFolder })
const database: DatabaseLocation = place.startsWith('postgres:')
  ? { kind: 'postgres', url: place }
  : { kind: 'pglite', folder: place }
const live = new Promise<number>((resolve) => {
  wentLive = resolve
})
const readSide = await openReadSide({
  log,
  logLocation: { kind: 'embedded', folder: logFolder },
  database,
  registry: createRegistry(kinds),
  catalog,
  logger,
})
let peak = memory()
const cpu = process.cpuUsage()
const sampling = setInterval(() => {
  peak = Math.max(peak, memory())
}, 20)
const ms = await live
const { user, system } = process.cpuUsage(cpu)
clearInterval(sampling)
await readSide.close()
await log.close()
process.send?.({ ms, cpuMs: (user + system) / 1000, peakMb: Math.round(peak) })
process.disconnect()
