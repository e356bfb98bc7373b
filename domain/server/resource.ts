import { z } from 'zod'
import { ageColumn, nameColumn } from '../kernel/columns.ts'
import { touch } from '../kernel/declared.ts'
import type { JsonObject } from '../kernel/json.ts'
import { defineKind } from '../kernel/kind.ts'
import { type Ref, resourceName } from '../kernel/name.ts'
import { secretKeyName } from '../secret/resource.ts'

const envName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'must be letters, digits and "_", not beginning with a digit')
  .refine((name) => name !== '__proto__' && name !== 'constructor', 'is reserved')

const noNul = (text: string): boolean => !text.includes('\0')
const argument = z.string().max(32_768).refine(noNul, 'must not hold a NUL character')

/** One variable of a server's environment: a literal value, or one key of a secret. */
export const envVar = z
  .strictObject({
    name: envName,
    value: argument.optional(),
    valueFrom: z.strictObject({ secretRef: z.strictObject({ name: resourceName, key: secretKeyName }) }).optional(),
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

/** A tool call that tells whether a copy can do its work. */
export const healthCheck = z.strictObject({
  tool: z.string().min(1).max(256).describe('A tool without effects'),
  arguments: z.record(z.string().max(256), z.unknown()).default({}),
  intervalSeconds: z.int().min(1).max(86_400).default(60),
  timeoutSeconds: z.int().min(1).max(600).default(10),
  failureThreshold: z.int().min(1).max(100).default(3).describe('Failures in a row that make a copy unhealthy'),
})

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
      .regex(/^[-+.^~<>=|* 0-9A-Za-z]+$/, 'must be a version or a semver range')
      .regex(/[0-9*]/, 'must be a version or a semver range; leave it out for the newest')
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
    transport: z.literal('STDIO').default('STDIO'),
    sessions: z.literal('shared').default('shared').describe('One connection a copy serves every client'),
    replicas: z.int().min(0).max(32).default(1),
    healthCheck: healthCheck.optional(),
    allowScripts: z.boolean().default(false).describe('Whether install scripts of the package may run'),
  })
  .refine((spec) => (spec.packageName === undefined) !== ((spec.dockerImage ?? spec.command) === undefined), {
    error: 'needs one of packageName, dockerImage and command',
    path: ['packageName'],
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

/** The secrets a server's environment comes from, each once. */
export const secretRefs = (spec: ServerSpec): readonly Ref[] => {
  const names = spec.env.flatMap(({ valueFrom }) => (valueFrom === undefined ? [] : [valueFrom.secretRef.name]))
  return [...new Set(names)].sort().map((name) => ({ kind: 'secret', name }))
}

type Phases = Readonly<Record<string, string>>
const phasesOf = (status: JsonObject): Phases => (status.instances ?? {}) as Phases

/** What an event of one of its instances makes of a server's list of them. */
const phaseAfter: Readonly<Record<string, string>> = {
  InstanceCreated: 'pending',
  InstanceStarting: 'starting',
  InstanceStarted: 'running',
  InstanceStartFailed: 'error',
  InstanceExited: 'error',
  InstanceInterrupted: 'pending',
  InstanceRetryRequested: 'pending',
}

export const server = defineKind({
  kind: 'server',
  plural: 'servers',
  shortNames: ['srv', 'mcpserver'],
  eventPrefix: 'Server',
  summary: 'An MCP server to run, and how many copies of it',
  spec: serverSpec,
  refersTo: ['secret'],
  references: (spec) => secretRefs(spec as ServerSpec),
  observes: ({ data, type }) => (type.startsWith('Instance') && typeof data.server === 'string' ? [data.server] : []),
  status(row, event) {
    if (row === undefined || !event.stream.startsWith('instance-')) return row
    const name = event.stream.slice('instance-'.length)
    const { [name]: _was, ...others } = phasesOf(row.status)
    const phase = phaseAfter[event.type]
    const instances = phase === undefined ? others : { ...others, [name]: phase }
    const ready = Object.values(instances).filter((each) => each === 'running').length
    return touch(row, event, { instances, readyReplicas: ready })
  },
  columns: [
    nameColumn,
    { header: 'READY', value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas}` },
    { header: 'STATUS', value: ({ spec, status }) => statusOf(spec, status ?? {}) },
    {
      header: 'SOURCE',
      value: ({ spec }) => sourceOf(spec),
    },
    ageColumn,
    { header: 'TRANSPORT', wide: true, value: ({ spec }) => `${spec.transport}` },
    { header: 'INSTANCES', wide: true, value: ({ status }) => Object.keys(phasesOf(status ?? {})).join(',') },
  ],
  example: {
    packageName: '@modelcontextprotocol/server-everything',
    env: [{ name: 'API_KEY', valueFrom: { secretRef: { name: 'demo', key: 'API_KEY' } } }],
  },
})

/** What a server runs, in a word: `package@version`, an image or a program. */
export const sourceOf = ({ packageName, version, dockerImage, command }: JsonObject): string =>
  packageName === undefined
    ? `${dockerImage ?? command}`
    : `${packageName}${version === undefined ? '' : `@${version}`}`

const statusOf = (spec: JsonObject, status: JsonObject): string => {
  const phases = Object.values(phasesOf(status))
  if (spec.replicas === 0) return 'Stopped'
  if (phases.includes('error')) return 'Error'
  return phases.filter((phase) => phase === 'running').length >= Number(spec.replicas) ? 'Running' : 'Starting'
}
