import { z } from 'zod'
import { ageColumn, nameColumn, title } from '../kernel/columns.ts'
import { touch } from '../kernel/declared.ts'
import type { JsonObject } from '../kernel/json.ts'
import { defineKind } from '../kernel/kind.ts'
import { type Ref, resourceName } from '../kernel/name.ts'
import { healthCheck } from './health-check.ts'
import { externalUrl, header } from './http-access.ts'
import { limits } from './limits.ts'
import { serverRestartRequested } from './restart.ts'
import { secretSource } from './secret-source.ts'
import { copiesAfter, copyNames, healthOf, serverConditions, statusText } from './status.ts'

/** Name of an environment variable. */
export const envName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'must be letters, digits and "_", not beginning with a digit')
  .refine((name) => name !== '__proto__' && name !== 'constructor', 'is reserved')

const noNul = (text: string): boolean => !text.includes('\0')
/** An argument or the value of a variable, as a program can be given it. */
export const argument = z.string().max(32_768).refine(noNul, 'must not hold a NUL character')

/** One variable of a server's environment: a literal value, or one key of a secret. */
export const envVar = z
  .strictObject({
    name: envName,
    value: argument.optional(),
    valueFrom: secretSource.optional(),
  })
  .refine((env) => (env.value === undefined) !== (env.valueFrom === undefined), 'needs either value or valueFrom')

/** npm's rule for names, and nothing that npm would take for a path, a URL or a git repository. PyPI's normalised names are among them. */
const packageName = z
  .string()
  .max(214)
  .regex(
    /^(@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/,
    'must be an npm package name, such as "@scope/name"; a version goes into "version"',
  )

/** `registry/name:tag` or `name@sha256:…`: what an engine takes for an image, and nothing it would take for a flag. */
const imageName = z
  .string()
  .max(512)
  .regex(/^[a-z0-9][A-Za-z0-9._:/@-]*$/, 'must be an image, such as "ghcr.io/owner/name:1.2.3"')

export const serverSpec = z
  .strictObject({
    description: z.string().max(1000).optional(),
    packageName: packageName.optional().describe('Package that is installed once and run'),
    runtime: z
      .enum(['node', 'python'])
      .optional()
      .describe('Where packageName is from: npm (node) or PyPI; npm if left out'),
    version: z
      .string()
      .max(128)
      .regex(/^[-+.^~<>=|*!, 0-9A-Za-z]+$/, 'must be a version or a range of versions')
      .regex(/[0-9*]/, 'must be a version or a range of versions; leave it out for the newest')
      .optional()
      .describe('Version or range of packageName; the newest at the first start if left out'),
    dockerImage: imageName.optional().describe('Image to run in a container, instead of packageName'),
    command: argument
      .min(1)
      .optional()
      .describe(
        'A program on this machine instead of packageName; with dockerImage: what runs instead of its entrypoint',
      ),
    args: z.array(argument).max(256).default([]),
    env: z.array(envVar).max(256).default([]),
    externalUrl: externalUrl.optional().describe('Endpoint of a server that runs elsewhere, instead of running one'),
    headers: z.array(header).max(64).optional().describe('HTTP headers that every request to the server carries'),
    transport: z.enum(['STDIO', 'STREAMABLE_HTTP', 'SSE']).default('STDIO').describe('How the server is spoken to'),
    containerPort: z.int().min(1).max(65_535).optional().describe('Port that an HTTP server listens on'),
    path: z
      .string()
      .max(1024)
      .regex(/^\/[!-~]*$/, 'must begin with "/"')
      .optional()
      .describe('Path of its endpoint on containerPort; /mcp if left out, /sse for SSE'),
    allowLinkLocal: z
      .boolean()
      .optional()
      .describe('Whether requests may go to link-local addresses, where clouds keep metadata and credentials'),
    sessions: z
      .enum(['shared', 'dedicated'])
      .optional()
      .describe('One connection for all clients (STDIO), or a session of its own for each (HTTP), if left out'),
    maxSessions: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Dedicated sessions that one copy may have; default 100'),
    minIdle: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('Dedicated sessions kept ready for clients to come; default 0'),
    idleTimeoutSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe(
        'A dedicated session without a message for this long is ended, the next message begins another; default 600',
      ),
    replicas: z.int().min(0).max(32).default(1),
    resources: z
      .strictObject({ limits: limits.default({}) })
      .optional()
      .describe('What one copy may use'),
    imagePullSecret: resourceName
      .optional()
      .describe('Secret with the keys username and password, for the registry of dockerImage'),
    network: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'must be the name of a network')
      .optional()
      .describe("The engine's network that the container joins; the default bridge if left out"),
    readOnlyRoot: z.boolean().optional().describe('Whether the container can write nothing but /tmp; true if left out'),
    healthCheck: healthCheck.optional().describe('How its copies are probed'),
    allowScripts: z.boolean().default(false).describe('Whether install scripts of the package may run'),
  })
  .refine(
    ({ packageName, dockerImage, command, externalUrl }) =>
      [packageName, dockerImage ?? command, externalUrl].filter((each) => each !== undefined).length === 1,
    { error: 'needs one of packageName, dockerImage, command and externalUrl', path: ['packageName'] },
  )
  .refine((spec) => spec.externalUrl === undefined || spec.transport !== 'STDIO', {
    error: 'must be STREAMABLE_HTTP or SSE: a server at a URL has no STDIO',
    path: ['transport'],
  })
  .refine((spec) => spec.transport === 'STDIO' || (spec.externalUrl ?? spec.containerPort) !== undefined, {
    error: 'is needed: where else would its endpoint be?',
    path: ['containerPort'],
  })
  .refine(
    (spec) => spec.containerPort === undefined || (spec.transport !== 'STDIO' && spec.externalUrl === undefined),
    {
      error: 'goes with the transports STREAMABLE_HTTP and SSE of a server that is run here',
      path: ['containerPort'],
    },
  )
  .refine((spec) => spec.path === undefined || spec.containerPort !== undefined, {
    error: 'goes with containerPort only',
    path: ['path'],
  })
  .refine((spec) => (spec.headers ?? []).length === 0 || spec.transport !== 'STDIO', {
    error: 'go with the transports STREAMABLE_HTTP and SSE only',
    path: ['headers'],
  })
  .refine(
    (spec) =>
      (spec.imagePullSecret ?? spec.network ?? spec.readOnlyRoot) === undefined || spec.dockerImage !== undefined,
    { error: 'goes with dockerImage only, as network and readOnlyRoot do', path: ['imagePullSecret'] },
  )
  .refine((spec) => spec.externalUrl === undefined || spec.replicas <= 1, {
    error: 'must be 0 or 1: a server that runs elsewhere has no copies here',
    path: ['replicas'],
  })
  .refine((spec) => spec.version === undefined || spec.packageName !== undefined, {
    error: 'goes with packageName only',
    path: ['version'],
  })
  .refine((spec) => spec.runtime === undefined || spec.packageName !== undefined, {
    error: 'goes with packageName only',
    path: ['runtime'],
  })
  .superRefine((spec, context) => {
    const seen = new Set<string>()
    for (const [i, { name }] of spec.env.entries()) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: ['env', i, 'name'], message: `${name} is set twice` })
      seen.add(name)
    }
  })
export type ServerSpec = z.output<typeof serverSpec>

/** What a server has whose spec does not say otherwise. */
export const DEFAULT_SESSIONS = { maxSessions: 100, minIdle: 0, idleTimeoutSeconds: 600 }

/** Whether each client gets a session of its own. */
export const isDedicated = ({ sessions, transport }: Pick<ServerSpec, 'sessions' | 'transport'>): boolean =>
  sessions === undefined ? transport !== 'STDIO' : sessions === 'dedicated'

/** The secrets that a server's environment, headers and image come from, each once. */
export const secretRefs = (spec: ServerSpec): readonly Ref[] => {
  const sources = [...spec.env, ...(spec.headers ?? [])]
  const names = sources.flatMap(({ valueFrom }) => (valueFrom === undefined ? [] : [valueFrom.secretRef.name]))
  if (spec.imagePullSecret !== undefined) names.push(spec.imagePullSecret)
  return [...new Set(names)].sort().map((name) => ({ kind: 'secret', name }))
}

export const server = defineKind({
  kind: 'server',
  plural: 'servers',
  shortNames: ['srv', 'mcpserver'],
  eventPrefix: 'Server',
  summary: 'An MCP server to run, and how many copies of it',
  spec: serverSpec,
  events: [serverRestartRequested],
  refersTo: ['secret'],
  references: (spec) => secretRefs(spec as ServerSpec),
  observes: ({ data, type }) => (type.startsWith('Instance') && typeof data.server === 'string' ? [data.server] : []),
  status(row, event) {
    if (row === undefined) return row
    if (event.type === 'ServerRestartRequested' && typeof event.data.at === 'string')
      return touch(row, event, { restartedAt: event.data.at })
    return event.stream.startsWith('instance-') ? touch(row, event, copiesAfter(row.status, event)) : row
  },
  columns: [
    nameColumn,
    { header: 'READY', value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas}` },
    { header: 'STATUS', value: ({ spec, status }) => statusText(Number(spec.replicas), status ?? {}) },
    { header: 'HEALTH', value: ({ status }) => title(healthOf(status ?? {})) },
    { header: 'SOURCE', value: ({ spec }) => sourceOf(spec) },
    ageColumn,
    { header: 'TRANSPORT', wide: true, value: ({ spec }) => `${spec.transport}` },
    {
      header: 'SESSIONS',
      wide: true,
      value: ({ spec }) => (isDedicated(spec as unknown as ServerSpec) ? 'dedicated' : 'shared'),
    },
    { header: 'INSTANCES', wide: true, value: ({ status }) => copyNames(status ?? {}).join(',') },
  ],
  conditions: serverConditions,
  example: {
    packageName: '@modelcontextprotocol/server-everything',
    env: [{ name: 'API_KEY', valueFrom: { secretRef: { name: 'demo', key: 'API_KEY' } } }],
  },
})

/** What a server runs, in a word: `package@version`, an image, a program or a URL. */
export const sourceOf = ({ packageName, version, dockerImage, command, externalUrl }: JsonObject): string =>
  packageName === undefined
    ? `${dockerImage ?? command ?? externalUrl}`
    : `${packageName}${version === undefined ? '' : `@${version}`}`
