import { spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'

// The least that can stand between HTTP and a STDIO server: ids are swapped, and nothing else is done. The limit that a
// proxy is measured by. Usage: bare-router.ts COMMAND ARGS…; prints its URL.
const [command = '', ...args] = process.argv.slice(2)
const { stdin, stdout } = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
const waiting = new Map<number, { readonly id: unknown; readonly response: ServerResponse }>()
let lastId = 0
let rest = ''

stdout.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const message = JSON.parse(line)
    const asked = message.method === undefined ? waiting.get(message.id) : undefined
    if (asked === undefined) continue
    waiting.delete(message.id)
    const body = JSON.stringify({ ...message, id: asked.id })
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    asked.response.writeHead(200, headers).end(body)
  }
})

const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const message = JSON.parse(body)
    if (message.id === undefined) {
      stdin.write(`${body}\n`)
      response.writeHead(202).end()
      return
    }
    waiting.set(++lastId, { id: message.id, response })
    stdin.write(`${JSON.stringify({ ...message, id: lastId })}\n`)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`)
})
