import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../kernel/columns.ts'
import { defineKind } from '../kernel/kind.ts'
import { resourceName } from '../kernel/name.ts'
import { ruleFlaws } from './rule-flaws.ts'

/** A tool's own name, or a glob over them. */
const toolPattern = z.string().min(1).max(256)
/** Most patterns of one rule of one server. */
const MAX_PATTERNS = 500

const byPattern = <Value extends z.ZodType<string, string>>(value: Value) =>
  z
    .record(toolPattern, value)
    .refine((rules) => Object.keys(rules).length <= MAX_PATTERNS, `must have at most ${MAX_PATTERNS} entries`)

const attachedServer = z.strictObject({
  name: resourceName,
  tools: z
    .strictObject({
      allow: z.array(toolPattern).max(MAX_PATTERNS).optional().describe('Only tools that match one of these globs'),
      deny: z.array(toolPattern).max(MAX_PATTERNS).optional().describe('No tool that matches one of these globs'),
      rename: byPattern(
        z.string().regex(/^(?=.{1,64}$)[A-Za-z0-9_-]*\*?[A-Za-z0-9_-]*$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -'),
      )
        .optional()
        .describe("New names by the server's own name or a glob; a * in one is what the glob's only * stands for"),
      describe: byPattern(z.string().min(1).max(10_000))
        .optional()
        .describe("Descriptions in place of the server's, by its own name of a tool or a glob"),
    })
    .optional(),
})

/** As events hold it: what has been declared once is read for ever, whatever is refused today. */
const storedProjectSpec = z.strictObject({
  description: z.string().max(1000).optional(),
  instructions: z.string().max(65_536).optional().describe('Given to every agent that connects'),
  servers: z.array(attachedServer).max(200).default([]),
  namespacing: z
    .enum(['always', 'auto', 'never'])
    .default('always')
    .describe('always: <server>__<tool>. auto: only where names collide. never: names as they are'),
  describeServers: z
    .enum(['auto', 'always', 'never'])
    .optional()
    .describe(
      '"[server] " before descriptions of tools and prompts. auto, also if left out: where there are several servers and the name does not say which',
    ),
})

export const projectSpec = storedProjectSpec.superRefine(({ servers, namespacing }, context) => {
  const seen = new Set<string>()
  for (const [i, { name, tools = {} }] of servers.entries()) {
    if (seen.has(name))
      context.addIssue({ code: 'custom', path: ['servers', i, 'name'], message: `${name} is attached twice` })
    seen.add(name)
    for (const { path, message } of ruleFlaws(name, tools, namespacing))
      context.addIssue({ code: 'custom', path: ['servers', i, 'tools', ...path], message })
  }
})
export type ProjectSpec = z.output<typeof projectSpec>

/** What belongs to mcpctl itself; made at the first start. */
export const SYSTEM_PROJECT = 'mcpctl-system'

export const project = defineKind({
  kind: 'project',
  plural: 'projects',
  shortNames: ['proj'],
  eventPrefix: 'Project',
  summary: 'Servers that an agent reaches through one endpoint',
  spec: projectSpec,
  stored: storedProjectSpec,
  undeletable: [SYSTEM_PROJECT],
  refersTo: ['server'],
  references: (spec) => (spec as ProjectSpec).servers.map(({ name }) => ({ kind: 'server', name })),
  columns: [
    nameColumn,
    { header: 'SERVERS', value: ({ spec }) => (spec as ProjectSpec).servers.map(({ name }) => name).join(',') },
    field('NAMESPACING', 'spec.namespacing'),
    ageColumn,
    field('DESCRIPTION', 'spec.description', { wide: true }),
  ],
  example: { servers: [{ name: 'everything' }, { name: 'files' }], namespacing: 'always' },
})
