import { type EntryFields, type Path, valueAt } from './document/document.ts'
import type { Format } from './document/open.ts'

export type Scope = 'project' | 'user'

/** What the place of a client's file depends on. */
export interface Surroundings {
  /** The user's home folder. */
  readonly home: string
  /** The folder that a project's files are in. */
  readonly cwd: string
  /** `%APPDATA%`, `~/Library/Application Support`, or `$XDG_CONFIG_HOME`. */
  readonly appData: string
  /** `$XDG_CONFIG_HOME`, on every platform. */
  readonly xdgConfig: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the platform. */
  join(...parts: string[]): string
}

/** How a client starts mcpctl. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** Nothing secret. */
  readonly env: Readonly<Record<string, string>>
  /** Variables that the client hands on from its own environment. */
  readonly forward: readonly string[]
}

/** How a client reaches mcplocal. */
export interface Endpoint {
  readonly url: string
  /** The variable that holds the token. */
  readonly variable: string
}

/** One client: where its configuration is, and what an entry looks like there. */
export interface Client {
  /** As it is typed. */
  readonly name: string
  /** As people call it. */
  readonly label: string
  readonly format: Format
  /** The files of each scope that the client has: the first that is there counts, or the last. */
  readonly files: { readonly [Each in Scope]?: (around: Surroundings) => readonly [string, ...string[]] }
  /** Where an entry goes when nobody says; as the client's own tools have it. */
  readonly scope: Scope
  /** The object that holds the entries. */
  entries(root: unknown): Path
  launch(launch: Launch, entries: Path): EntryFields
  /** An entry that connects over HTTP, or why there is none. */
  readonly connect: ((endpoint: Endpoint, entries: Path) => EntryFields) | string
  /** Fields of an entry that are ours, all of them; others belong to the user. */
  readonly owned: readonly string[]
  /** It does not look where a shell would: commands are written as absolute paths. */
  readonly absolute?: true
  /** What makes the client see a change. */
  readonly afterwards: string
}

const entriesIn = (key: string) => (): Path => [key]

// A variable of the client's environment inside a value, as clients spell it.
const shellReference = (variable: string): string => `\${${variable}}`
const editorReference = (variable: string): string => `\${env:${variable}}`
const openCodeReference = (variable: string): string => `{env:${variable}}`
const bearer = (reference: string): string => `Bearer ${reference}`

/** `env` with the variables that are handed on; nothing where there are none. */
const environment = (
  field: string,
  { env, forward }: Launch,
  reference?: (variable: string) => string,
): Readonly<Record<string, Readonly<Record<string, string>>>> => {
  const handedOn = reference === undefined ? [] : forward.map((name) => [name, reference(name)] as const)
  const all = { ...env, ...Object.fromEntries(handedOn) }
  return Object.keys(all).length === 0 ? {} : { [field]: all }
}

/** `command`, `args` and `env`, as most clients have it. */
const usualLaunch =
  (reference?: (variable: string) => string) =>
  (launch: Launch): EntryFields => ({
    command: launch.command,
    args: launch.args,
    ...environment('env', launch, reference),
  })

/** OpenCode 2 has entries one deeper, and no `enabled`; it reads those of OpenCode 1, too. */
const openCodeEntries = (root: unknown): Path => {
  const servers = valueAt(root, ['mcp', 'servers'])
  const isEntryOfThatName = typeof valueAt(servers, ['type']) === 'string'
  return servers === undefined || isEntryOfThatName ? ['mcp'] : ['mcp', 'servers']
}
const enabled = (entries: Path): EntryFields => (entries.length > 1 ? {} : { enabled: true })

/** Every client that `mcpctl config` writes for. docs/clients.md says where each row is from. */
export const clients: readonly Client[] = [
  {
    name: 'claude',
    label: 'Claude Code',
    format: 'json',
    files: {
      project: ({ cwd, join }) => [join(cwd, '.mcp.json')],
      user: ({ home, env, join }) => [join(env.CLAUDE_CONFIG_DIR || home, '.claude.json')],
    },
    scope: 'project',
    entries: entriesIn('mcpServers'),
    launch: usualLaunch(shellReference),
    connect: ({ url, variable }) => ({
      type: 'http',
      url,
      headers: { Authorization: bearer(shellReference(variable)) },
    }),
    owned: ['type', 'command', 'args', 'env', 'url', 'headers'],
    afterwards: 'Start Claude Code anew.',
  },
  {
    name: 'claude-desktop',
    label: 'Claude Desktop',
    format: 'json',
    files: { user: ({ appData, join }) => [join(appData, 'Claude', 'claude_desktop_config.json')] },
    scope: 'user',
    entries: entriesIn('mcpServers'),
    launch: usualLaunch(),
    connect: 'its file is for programs that it starts, and it takes no values from the environment',
    owned: ['command', 'args', 'env'],
    absolute: true,
    afterwards: 'Quit Claude Desktop and start it again.',
  },
  {
    name: 'cursor',
    label: 'Cursor',
    format: 'json',
    files: {
      project: ({ cwd, join }) => [join(cwd, '.cursor', 'mcp.json')],
      user: ({ home, join }) => [join(home, '.cursor', 'mcp.json')],
    },
    scope: 'user',
    entries: entriesIn('mcpServers'),
    launch: usualLaunch(editorReference),
    connect: ({ url, variable }) => ({ url, headers: { Authorization: bearer(editorReference(variable)) } }),
    owned: ['type', 'command', 'args', 'env', 'url', 'headers'],
    afterwards: 'Cursor sees it by itself; its settings show whether it is switched on.',
  },
  {
    name: 'vscode',
    label: 'VS Code',
    format: 'json',
    files: {
      project: ({ cwd, join }) => [join(cwd, '.vscode', 'mcp.json')],
      user: ({ appData, join }) => [join(appData, 'Code', 'User', 'mcp.json')],
    },
    scope: 'user',
    entries: entriesIn('servers'),
    launch: (launch) => ({ type: 'stdio', ...usualLaunch(editorReference)(launch) }),
    connect: ({ url, variable }) => ({
      type: 'http',
      url,
      headers: { Authorization: bearer(editorReference(variable)) },
    }),
    owned: ['type', 'command', 'args', 'env', 'url', 'headers'],
    afterwards: 'VS Code starts it when a chat needs it, and asks once whether you trust it.',
  },
  {
    name: 'windsurf',
    label: 'Windsurf',
    format: 'json',
    files: { user: ({ home, join }) => [join(home, '.codeium', 'windsurf', 'mcp_config.json')] },
    scope: 'user',
    entries: entriesIn('mcpServers'),
    launch: usualLaunch(editorReference),
    connect: ({ url, variable }) => ({ serverUrl: url, headers: { Authorization: bearer(editorReference(variable)) } }),
    owned: ['command', 'args', 'env', 'serverUrl', 'url', 'headers'],
    afterwards: 'Refresh the list of MCP servers in Windsurf.',
  },
  {
    name: 'codex',
    label: 'Codex',
    format: 'toml',
    files: {
      project: ({ cwd, join }) => [join(cwd, '.codex', 'config.toml')],
      user: ({ home, env, join }) => [join(env.CODEX_HOME || join(home, '.codex'), 'config.toml')],
    },
    scope: 'user',
    entries: entriesIn('mcp_servers'),
    // It has no references inside values, but fields that name a variable.
    launch: (launch) => ({
      ...usualLaunch()(launch),
      ...(launch.forward.length === 0 ? {} : { env_vars: launch.forward }),
    }),
    connect: ({ url, variable }) => ({ url, bearer_token_env_var: variable }),
    owned: ['command', 'args', 'env', 'env_vars', 'url', 'bearer_token_env_var', 'http_headers', 'env_http_headers'],
    afterwards: 'Start Codex anew.',
  },
  {
    name: 'gemini',
    label: 'Gemini CLI',
    format: 'json',
    files: {
      project: ({ cwd, join }) => [join(cwd, '.gemini', 'settings.json')],
      user: ({ home, env, join }) => [join(env.GEMINI_CLI_HOME || home, '.gemini', 'settings.json')],
    },
    scope: 'project',
    entries: entriesIn('mcpServers'),
    launch: usualLaunch(shellReference),
    connect: ({ url, variable }) => ({
      httpUrl: url,
      headers: { Authorization: bearer(shellReference(variable)) },
    }),
    owned: ['command', 'args', 'env', 'url', 'httpUrl', 'headers'],
    afterwards: 'Start Gemini CLI anew, or type /mcp refresh.',
  },
  {
    name: 'opencode',
    label: 'OpenCode',
    format: 'json',
    files: {
      project: ({ cwd, join }) => [join(cwd, 'opencode.jsonc'), join(cwd, 'opencode.json')],
      user: ({ xdgConfig, join }) => [
        join(xdgConfig, 'opencode', 'opencode.jsonc'),
        join(xdgConfig, 'opencode', 'opencode.json'),
      ],
    },
    scope: 'user',
    entries: openCodeEntries,
    launch: (launch, entries) => ({
      type: 'local',
      command: [launch.command, ...launch.args],
      ...environment('environment', launch, openCodeReference),
      ...enabled(entries),
    }),
    connect: ({ url, variable }, entries) => ({
      type: 'remote',
      url,
      headers: { Authorization: bearer(openCodeReference(variable)) },
      oauth: false,
      ...enabled(entries),
    }),
    owned: ['type', 'command', 'environment', 'url', 'headers', 'oauth'],
    afterwards: 'Start OpenCode anew.',
  },
]
