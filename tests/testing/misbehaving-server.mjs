// An MCP server over STDIO that goes wrong as it is told to, for tests with real processes. Without arguments it behaves:
// it has the tool `check`, which answers "fine". Each argument switches on one habit:
//   --lives=MS           ends with code 1 so long after it was initialised
//   --hangs=METHOD       never answers requests of that method (tools/list, tools/call, ping, initialize)
//   --check=KIND         `check` answers with a result that is an error (isError), a JSON-RPC error (rpc-error) or never (hangs)
//   --recovers-after=N   the first N requests after initialize are answered with a JSON-RPC error
//   --broken-while=FILE  requests are answered with a JSON-RPC error as long as FILE exists
//   --dies-at-start=N    ends before it answers anything at its Nth start; needs --starts
//   --starts=FILE        adds a line to FILE at each start
//   --no-tools           has no tools and says so
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const habits = new Map(process.argv.slice(2).map((each) => each.replace(/^--/, '').split(/=(.*)/s).slice(0, 2)))
const number = (name) => Number(habits.get(name) ?? 0)
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const failed = (id, message) => send({ id, error: { code: -32000, message } })

let toFail = number('recovers-after')

if (habits.has('starts')) {
  const file = habits.get('starts')
  appendFileSync(file, `${process.pid}\n`)
  const starts = readFileSync(file, 'utf8').split('\n').length - 1
  if (habits.has('dies-at-start') && starts === number('dies-at-start')) {
    process.stderr.write(`this is start ${starts}: it does not go well\n`)
    process.exit(1)
  }
}

const initialized = ({ id, params }) => {
  send({
    id,
    result: {
      protocolVersion: params.protocolVersion,
      capabilities: habits.has('no-tools') ? { logging: {} } : { tools: {} },
      serverInfo: { name: 'misbehaving', version: '1' },
    },
  })
  if (habits.has('lives')) setTimeout(() => process.exit(1), number('lives'))
}

const checked = ({ id }) => {
  switch (habits.get('check')) {
    case 'isError':
      return send({ id, result: { isError: true, content: [{ type: 'text', text: 'the database is away' }] } })
    case 'rpc-error':
      return failed(id, 'the database is away')
    case 'hangs':
      return undefined
    default:
      return send({ id, result: { content: [{ type: 'text', text: 'fine' }] } })
  }
}

const CHECK = { name: 'check', description: 'Whether it is well', inputSchema: { type: 'object' } }

const answers = {
  ping: ({ id }) => send({ id, result: {} }),
  'tools/list': ({ id }) =>
    habits.has('no-tools')
      ? send({ id, error: { code: -32601, message: 'Method not found' } })
      : send({ id, result: { tools: [CHECK] } }),
  'tools/call': checked,
}

const handle = (message) => {
  const { id, method } = message
  if (id === undefined || method === undefined || habits.get('hangs') === method) return
  if (method === 'initialize') return initialized(message)
  if (toFail > 0) {
    toFail -= 1
    return failed(id, 'it is not ready yet')
  }
  if (existsSync(habits.get('broken-while') ?? '')) return failed(id, 'it is broken')
  const answer = answers[method]
  if (answer === undefined) send({ id, error: { code: -32601, message: 'Method not found' } })
  else answer(message)
}

createInterface({ input: process.stdin })
  .on('line', (line) => handle(JSON.parse(line)))
  .on('close', () => process.exit(0))
