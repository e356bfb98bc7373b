// An MCP server over STDIO that takes its time: the tool `wait` answers after so many milliseconds, `never` does not. --silent never
// answers initialize (a start that goes on), --stubborn ignores SIGTERM and the end of its stdin, --child starts a process of its own.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const flags = new Set(process.argv.slice(2))
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const text = (value) => ({ content: [{ type: 'text', text: value }] })

if (flags.has('--child')) spawn('sleep', ['600'], { stdio: 'ignore' })
if (flags.has('--stubborn')) {
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 60_000)
}

const tools = {
  wait: ({ id, params }) => setTimeout(() => send({ id, result: text('waited') }), params.arguments.ms),
  never: () => {},
}
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (flags.has('--silent')) continue
  if (method === 'initialize')
    send({
      id,
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'slow', version: '1' },
      },
    })
  else if (method === 'tools/list') {
    const listed = Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } }))
    send({ id, result: { tools: listed } })
  } else if (method === 'tools/call') {
    process.stderr.write(`called ${params.name}\n`)
    tools[params.name]({ id, params })
  } else if (id !== undefined) send({ id, result: {} })
}
