import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../domain/kernel/json.ts'
import { type ApiClient, apiClient } from './api-client.ts'
import type { Deps } from './deps.ts'
import { CliError } from './errors.ts'
import { openMcpSession } from './mcp-session.ts'

export interface DemoTarget {
  readonly server: string
  readonly mcplocal: string
  readonly token: string
}

/** The first start installs two packages. */
const START_DEADLINE_MS = 120_000
const POLL_MS = 200

const SERVERS = { kind: 'server', plural: 'servers' }
const PROJECTS = { kind: 'project', plural: 'projects' }

/** Applies the demo project, waits until its servers run, and makes real tool calls through mcplocal. */
export const runDemo = async (deps: Deps, target: DemoTarget): Promise<void> => {
  const { out } = deps
  const { signal, sleep } = deps
  const api = apiClient({
    url: target.server,
    token: target.token,
    signal,
    sleep,
    notice: out.note,
    random: Math.random,
  })
  try {
    const folder = await demoFolder(deps)
    out.line('\nDemo: project "demo" with two MCP servers from npm')
    for (const [kind, name, spec] of manifests(folder)) {
      const { outcome } = await api.apply(kind, { name, labels: { app: 'demo' }, spec })
      out.line(`  ${kind.kind}/${name} ${outcome}`)
    }
    await running(deps, api)
    await callTools(deps, target, folder)
  } finally {
    api.close()
  }
}

const demoFolder = async ({ config }: Deps): Promise<string> => {
  const folder = join(config.folder, 'demo-files')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'hello.txt'), 'Hello from a file that an MCP server has read.\n')
  return folder
}

const manifests = (folder: string): readonly (readonly [typeof SERVERS, string, JsonObject])[] => [
  [
    SERVERS,
    'everything',
    { packageName: '@modelcontextprotocol/server-everything', description: 'One of everything MCP has' },
  ],
  [
    SERVERS,
    'files',
    { packageName: '@modelcontextprotocol/server-filesystem', args: [folder], description: 'Files of the demo folder' },
  ],
  [
    PROJECTS,
    'demo',
    {
      description: 'Two servers, one endpoint',
      instructions: `Files are below ${folder}.`,
      servers: [{ name: 'everything' }, { name: 'files' }],
    },
  ],
]

/** Waits until both servers have a running copy, and says which one does not and why. */
const running = async ({ out, now, sleep }: Deps, api: ApiClient): Promise<void> => {
  const deadline = now().getTime() + START_DEADLINE_MS
  let said = ''
  for (;;) {
    const instances = await api.list({ kind: 'instance', plural: 'instances' })
    const phase = (server: string) =>
      instances.items.filter(({ spec }) => spec.server === server).map(({ status }) => status ?? {})
    const waiting = ['everything', 'files'].filter((server) => !phase(server).some((each) => each.phase === 'running'))
    if (waiting.length === 0) break
    const failed = waiting.flatMap((server) => phase(server)).find((each) => each.phase === 'error')
    if (failed !== undefined || now().getTime() > deadline) {
      out.endProgress()
      const why = typeof failed?.error === 'string' ? failed.error : `not running after ${START_DEADLINE_MS / 1000} s`
      throw new CliError('demo-not-running', `the demo's servers do not run: ${why}`, {
        hint: 'mcpctl describe instances shows more; npm has to be on the PATH and its registry reachable',
      })
    }
    const text = `  waiting for ${waiting.join(' and ')} (the first start installs them) …`
    if (text !== said) out.progress(text)
    said = text
    await sleep(POLL_MS)
  }
  out.endProgress()
}

const callTools = async ({ out, signal }: Deps, { mcplocal, token }: DemoTarget, folder: string): Promise<void> => {
  const endpoint = `${mcplocal}/projects/demo/mcp`
  const session = await openMcpSession(endpoint, token, signal)
  try {
    const { tools } = await session.request('tools/list', {})
    const count = Array.isArray(tools) ? tools.length : 0
    out.line(`\nEndpoint  ${endpoint}   (${count} tools of 2 servers)`)
    out.line('  Claude Code   mcpctl config claude -p demo')
    out.line('  Cursor        mcpctl config cursor -p demo')
    out.line('  a shell       mcpctl call demo everything__echo --arg message=hello')
    out.line('\nCalled through mcpctl → mcplocal → mcpd → server:')
    for (const [name, args] of [
      ['everything__echo', { message: 'hello, mcpctl' }],
      ['files__read_text_file', { path: join(folder, 'hello.txt') }],
    ] as const) {
      const began = performance.now()
      const result = await session.request('tools/call', { name, arguments: args })
      const took = performance.now() - began
      out.line(`  ${name.padEnd(22)} ${took.toFixed(1).padStart(6)} ms   ${textOf(result.content)}`)
    }
  } finally {
    await session.end()
  }
}

const textOf = (content: unknown): string =>
  (Array.isArray(content) ? content : [])
    .map((part: { type?: string; text?: string }) => (part.type === 'text' ? part.text : `(${part.type})`))
    .join(' ')
    .trim()
