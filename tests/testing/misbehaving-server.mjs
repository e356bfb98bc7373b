// An MCP server over STDIO that goes wrong as it is told to, for tests with real processes. Without arguments it behaves:
// it has the tool `check`, which answers "fine". Each argument switches on one habit:
//   --lives=MS           ends with code 1 so long after it was initialised
//   --hangs=METHOD       never answers requests of that method (tools/list, tools/call, ping, initialize)
//   --check=KIND         `check` answers with a result that is an error (isError), a JSON-RPC error (rpc-error) or never (hangs)
//                        (why is in the environment as WHY)
//   --recovers-after=N   the first N requests after initialize are answered with a JSON-RPC error
//   --broken-while=FILE  requests are answered with a JSON-RPC error as long as FILE exists
//   --dies-at-start=N    ends before it answers anything at its Nth start; needs --starts
//   --starts=FILE        adds a line to FILE at each start
//   --no-tools           has no tools and says so
//   --slow-initialize=MS answers initialize so late
//   --protocol=REVISION  speaks that revision, whatever it is asked for
//   --banner             prints prose on stdout before anything else
//   --ignores-sigterm    goes on when its stdin ends and when it is told to end
//   --forks              starts a child that outlives it, tells its pid on stderr, and ends when it is called
//   --changes            has other tools each time they are listed, and says so while they are listed
//   --call=KIND          what `check` does instead: dies, half-line (and nothing more), wrong-id (a stranger's, and then
//                        its own), flood=MB (of prose on stdout, then the answer), result=MB (so long a text), leak
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const habits = new Map(process.argv.slice(2).map((each) => each.replace(/^--/, '').split(/=(.*)/s).slice(0, 2)))
const number = (name) => Number(habits.get(name) ?? 0)
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const failed = (id, message) => send({ id, error: { code: -32000, message } })

if (habits.has('banner')) process.stdout.write('Welcome!\n{"level":"info"}\n\n[1, 2\n')
if (habits.has('ignores-sigterm')) {
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 60_000)
}
if (habits.has('forks')) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' })
  process.stderr.write(`child ${child.pid}\n`)
}

/** Why `check` fails. */
const WHY = process.env.WHY ?? 'the database is away'
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

const initialized = (message) => {
  if (habits.has('slow-initialize')) setTimeout(() => welcome(message), number('slow-initialize'))
  else welcome(message)
}

const welcome = ({ id, params }) => {
  send({
    id,
    result: {
      protocolVersion: habits.get('protocol') ?? params.protocolVersion,
      capabilities: habits.has('no-tools') ? { logging: {} } : { tools: { listChanged: true } },
      serverInfo: { name: 'misbehaving', version: '1' },
    },
  })
  if (habits.has('lives')) setTimeout(() => process.exit(1), number('lives'))
}

const MIB = 1024 * 1024
const leaked = []
const leak = () => {
  leaked.push(Buffer.alloc(8 * MIB, 1))
  setTimeout(leak, 10)
}
const text = (answer) => ({ content: [{ type: 'text', text: answer }] })

const calls = {
  dies: () => process.exit(3),
  forks: () => process.exit(0),
  'half-line': () => process.stdout.write('{"jsonrpc":"2.0","id":'),
  'wrong-id': (id) => {
    send({ id: 987_654_321, result: text('a stranger') })
    send({ id: 'nobody', result: text('a stranger') })
    send({ id, result: text('its own') })
  },
  flood(id, megabytes) {
    const block = `${'x'.repeat(1023)}\n`.repeat(1024)
    let left = Number(megabytes)
    const more = () => {
      if (left-- > 0) process.stdout.write(block, more)
      else send({ id, result: text('after the flood') })
    }
    more()
  },
  result: (id, megabytes) => send({ id, result: text('x'.repeat(Number(megabytes) * MIB)) }),
  leak,
}

const checked = ({ id }) => {
  const [call, amount] = (habits.get('call') ?? (habits.has('forks') ? 'forks' : '')).split('=')
  if (call !== '') return calls[call](id, amount)
  switch (habits.get('check')) {
    case 'isError':
      return send({ id, result: { isError: true, content: [{ type: 'text', text: WHY }] } })
    case 'rpc-error':
      return failed(id, WHY)
    case 'hangs':
      return undefined
    default:
      return send({ id, result: { content: [{ type: 'text', text: 'fine' }] } })
  }
}

let lists = 0
const CHECK = { name: 'check', description: 'Whether it is well', inputSchema: { type: 'object' } }

const answers = {
  ping: ({ id }) => send({ id, result: {} }),
  'tools/list': ({ id }) => {
    if (habits.has('no-tools')) return send({ id, error: { code: -32601, message: 'Method not found' } })
    if (!habits.has('changes')) return send({ id, result: { tools: [CHECK] } })
    send({ method: 'notifications/tools/list_changed' })
    send({ id, result: { tools: [CHECK, { ...CHECK, name: `tool-${++lists}` }] } })
  },
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
  .on('close', () => habits.has('ignores-sigterm') || process.exit(0))
