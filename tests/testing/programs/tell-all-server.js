// An MCP server over STDIO that gives away its environment wherever it can: on stderr and stdout, in its name, in results and errors, in
// log messages, in the message it dies with. --refuse answers initialize with an error; --die ends before that.
import { createInterface } from 'node:readline'

const { PATH: _path, HOME: _home, ...environment } = process.env
const values = Object.values(environment)
const all = values.join('\n')
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const tell = () => {
  for (const value of values) {
    process.stderr.write(
      `value ${value} json ${JSON.stringify({ value })} twice ${JSON.stringify(JSON.stringify(value))}\n`,
    )
    process.stderr.write(`${Buffer.from(value).toString('base64')} ${Buffer.from(value).toString('hex')}\n`)
    process.stderr.write(`https://user:${encodeURIComponent(value)}@host/?q=${encodeURI(value)}\n`)
    process.stderr.write(
      `Basic ${Buffer.from(`u:${value}`).toString('base64')} ${Buffer.from(`us:${value}`).toString('base64url')}\n`,
    )
  }
}

tell()
if (process.argv.includes('--die')) throw new Error(`cannot log in with ${all}`)
process.stdout.write(`connected as ${all}\n`)

const text = (value) => ({ content: [{ type: 'text', text: value }] })
const tools = {
  env: ({ id }) => send({ id, result: text(JSON.stringify(environment)) }),
  failing: ({ id }) => send({ id, result: { ...text(`failed: ${all}`), isError: true } }),
  error: ({ id }) => send({ id, error: { code: -32000, message: `denied for ${values[0]}`, data: { all } } }),
  log: ({ id }) => {
    send({ method: 'notifications/message', params: { level: 'error', logger: values[0], data: all } })
    process.stdout.write(`half a line ${values[0]}\n`)
    send({ id: values[0], result: { all } })
    send({ id, result: text('told') })
  },
  die: () => {
    tell()
    throw new Error(`no access with ${all}`)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') {
    if (process.argv.includes('--refuse')) send({ id, error: { code: -32000, message: `bad key ${all}`, data: all } })
    else
      send({
        id,
        result: {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {}, logging: {} },
          serverInfo: { name: `for ${values[0]}`, version: values[1] ?? '1' },
        },
      })
  } else if (method === 'tools/list') {
    const names = Object.keys(tools)
    send({ id, result: { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) } })
  } else if (method === 'tools/call') {
    tools[params.name]({ id, params })
  } else if (id !== undefined) send({ id, result: {} })
}
