import { clients } from './config/clients.ts'
import type { AnyVerb, VerbEntry } from './verb.ts'

type Loaded = Promise<{ readonly default: unknown }>

/** A verb's own types are for its `run`; here every one is called the same way. */
const verb = (path: string, summary: string, load: () => Loaded, hidden?: true): VerbEntry => ({
  path,
  summary,
  ...(hidden === undefined ? {} : { hidden }),
  load: async () => (await load()).default as AnyVerb,
})

/** Every verb, in the order of the help. A verb is imported when it is used. */
export const verbs: readonly VerbEntry[] = [
  verb('up', 'Run mcpd and mcplocal on this machine', () => import('./up.ts')),
  verb('get', 'List resources, or show some of them', () => import('./get.ts')),
  verb('describe', 'Show a resource in full, with what happened to it last', () => import('./describe.ts')),
  verb('explain', 'Show the fields of a kind', () => import('./explain.ts')),
  verb('create', 'Create a resource from flags', () => import('./create.ts')),
  verb('apply', 'Create or change what manifests say', () => import('./apply.ts')),
  verb('diff', 'Show what "apply" would change', () => import('./diff.ts')),
  verb('edit', 'Change a resource in your editor', () => import('./edit.ts')),
  verb('delete', 'Delete resources', () => import('./delete.ts')),
  verb('wait', 'Wait until resources are running, healthy or gone', () => import('./wait.ts')),
  verb('history', 'Show every revision of a resource', () => import('./history.ts')),
  verb(
    'rollout restart',
    'Replace all copies of a server by new ones, new before old',
    () => import('./rollout/restart.ts'),
  ),
  verb(
    'rollout status',
    'Wait until all copies of a server are what its spec says',
    () => import('./rollout/status.ts'),
  ),
  verb('rollout undo', 'Go back to an earlier revision of a server', () => import('./rollout/undo.ts')),
  verb('rollout history', 'Show the revisions of a server', () => import('./rollout/history.ts')),
  verb('logs', 'Print the output of a server or an instance', () => import('./logs.ts')),
  verb('top', 'Show CPU and memory of servers and instances', () => import('./top.ts')),
  verb('status', 'Show how mcpd, its log and its read models are', () => import('./status.ts')),
  verb('call', 'Call a tool of a project', () => import('./call.ts')),
  verb('console', 'Try a project by hand, and watch what its sessions say', () => import('./console.ts')),
  verb('test', 'Speak MCP straight with the copies of a server', () => import('./test.ts')),
  verb('test mcp', 'Test any MCP endpoint, as an agent meets it', () => import('./test/mcp.ts')),
  verb('mcp', 'Be the MCP server of a project on standard input and output', () => import('./mcp.ts')),
  ...clients.map((client) =>
    verb(`config ${client.name}`, `Add a project to ${client.label}`, async () => {
      const { connectVerb } = await import('./config/connect.ts')
      return { default: connectVerb(client) }
    }),
  ),
  verb('config list', 'Show which clients reach which projects', () => import('./config/list.ts')),
  verb('config view', "Show mcpctl's own configuration, without the token", () => import('./config/view.ts')),
  verb('config path', "Print where mcpctl's own configuration is", () => import('./config/path.ts')),
  verb('login', 'Store a token for this user', () => import('./login.ts')),
  verb('logout', 'Forget the stored token', () => import('./logout.ts')),
  verb('whoami', 'Show who the token belongs to', () => import('./whoami.ts')),
  verb(
    'admin rebuild',
    'Rebuild the read models from the log, beside the live ones',
    () => import('./admin/rebuild.ts'),
  ),
  verb('rotate master-key', 'Wrap all data keys with a new master key', () => import('./rotate/master-key.ts')),
  verb('completion', 'Print a completion script for bash, zsh or fish', () => import('./completion.ts')),
  verb('version', 'Show the versions of mcpctl and mcpd', () => import('./version.ts')),
  verb('__complete', 'Names for completion', () => import('./completion/names.ts'), true),
]
