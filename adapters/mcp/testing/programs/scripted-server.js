// An MCP server over STDIO that does what its tools are told, wrong things included. Arguments switch on bad habits:
// --banner prints prose before anything else, --rubbish prints nothing but that, --leak prints what it was given as TOKEN,
// --mute answers nothing, --refuse answers initialize with an error, --version=V speaks that revision, --crash ends at once.
import { createInterface } from 'node:readline'

const flags = new Set(process.argv.slice(2))
const version = process.argv.find((each) => each.startsWith('--version='))?.slice('--version='.length)
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const seen = []
let subscribed = []
let asked

if (flags.has('--crash')) {
  process.stderr.write('cannot open the database\n')
  process.exit(3)
}
if (flags.has('--leak')) process.stdout.write(`${'x'.repeat(150)}${process.env.TOKEN}\n`)
if (flags.has('--banner') || flags.has('--rubbish'))
  process.stdout.write('Welcome to the server!\n{"level":"info"}\n42\n')

const result = (id, value) => send({ id, result: value })
const text = (value) => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
})

const tools = {
  echo: ({ id, params }) => result(id, text(params.arguments?.message ?? '')),
  echoId: ({ id }) => result(id, text(id)),
  asked: ({ id }) => result(id, text({ pid: process.pid, ...asked })),
  seen: ({ id }) => result(id, text(seen)),
  subscribed: ({ id }) => result(id, text(subscribed)),
  never: () => {},
  die: () => process.exit(7),
  wrongId: ({ id }) => {
    send({ id: 'nobody', result: {} })
    send({ id: id + 1_000_000, result: {} })
    result(id, text('right'))
    result(id, text('again'))
  },
  progress: ({ id, params }) => {
    const progressToken = params._meta?.progressToken
    if (progressToken !== undefined)
      for (const progress of [1, 2])
        send({ method: 'notifications/progress', params: { progressToken, progress, extra: 'kept' } })
    result(id, text('done'))
  },
  task: ({ id, params }) => {
    result(id, { task: { taskId: 't1', status: 'working' } })
    send({ method: 'notifications/progress', params: { progressToken: params._meta?.progressToken, progress: 9 } })
  },
  say: ({ id, params }) => {
    for (const message of params.arguments.messages) send(message)
    result(id, text('said'))
  },
  fail: ({ id }) => send({ id, error: { code: -32050, message: 'own error', data: { own: true } } }),
  print: ({ id, params }) => {
    process.stdout.write(`${params.arguments.line}\n`)
    result(id, text('printed'))
  },
}

const handle = (message) => {
  const { id, method, params } = message
  if (id === undefined) seen.push({ method, params })
  else if (method === undefined) seen.push(message)
  if (flags.has('--mute') || flags.has('--rubbish') || id === undefined || method === undefined) return
  switch (method) {
    case 'initialize':
      asked = params
      if (flags.has('--refuse')) send({ id, error: { code: -32602, message: `no, ${process.env.TOKEN ?? 'thanks'}` } })
      else
        result(id, {
          protocolVersion: version ?? params.protocolVersion,
          capabilities: {
            tools: { listChanged: true },
            resources: { subscribe: true },
            logging: {},
            experimental: { own: {} },
          },
          serverInfo: { name: 'scripted', version: '1', asked: params },
          unheardOf: [1],
          ...(flags.has('--long') ? { long: 'x'.repeat(2_000_000) } : {}),
          ...(flags.has('--deep') ? { deep: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) } : {}),
        })
      break
    case 'tools/call':
      seen.push({ method, name: params.name, id })
      tools[params.name]({ id, params })
      break
    case 'resources/subscribe':
      if (params.uri === 'bad:') return send({ id, error: { code: -32002, message: 'no such resource' } })
      subscribed.push(params.uri)
      result(id, {})
      break
    case 'resources/unsubscribe':
      subscribed = subscribed.filter((uri) => uri !== params.uri)
      result(id, {})
      break
    case 'logging/setLevel':
      seen.push({ method, level: params.level })
      result(id, {})
      break
    default:
      result(id, { echoed: message })
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => handle(JSON.parse(line)))
  .on('close', () => process.exit(0))
