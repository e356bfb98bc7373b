import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { startWireServer } from './wire-server.ts'
import { type StoredEvent, WireStore } from './wire-store.ts'

// The wire-level server as a program: `wire-process.ts PORT FILE`. It keeps its events in the file, so that it may be killed.
const [port = '0', file = ''] = process.argv.slice(2)

const encode = (event: StoredEvent): string =>
  JSON.stringify({
    ...event,
    position: String(event.position),
    revision: String(event.revision),
    data: Buffer.from(event.data).toString('base64'),
    metadata: Buffer.from(event.metadata).toString('base64'),
  })

const decode = (line: string): StoredEvent => {
  const kept = JSON.parse(line)
  return {
    ...kept,
    position: BigInt(kept.position),
    revision: BigInt(kept.revision),
    data: Buffer.from(kept.data, 'base64'),
    metadata: Buffer.from(kept.metadata, 'base64'),
  }
}

// What stands before the last line's end is whole: a kill may have cut the rest off.
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
const store = new WireStore(lines.map(decode), (event) => appendFileSync(file, `${encode(event)}\n`))
const { connectionString } = await startWireServer({ port: Number(port), store })
process.stdout.write(`${connectionString}\n`)
