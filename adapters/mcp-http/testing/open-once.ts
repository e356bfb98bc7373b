import { createHttpStreams } from '../http-streams.ts'
import { INITIALIZE, openTestStream } from './test-stream.ts'

// Begins a session with each server of its arguments and writes what `initialize` is answered with, a line each. A program
// of its own, because Node reads NODE_EXTRA_CA_CERTS when it starts.

const open = createHttpStreams({ logger: { debug() {}, info() {}, warn() {}, error() {} } })
for (const url of process.argv.slice(2)) {
  const stream = openTestStream(open, { url: new URL(url) })
  process.stdout.write(`${JSON.stringify(await stream.ask(1, 'initialize', INITIALIZE))}\n`)
  await stream.stop({ graceMs: 1000 })
}
