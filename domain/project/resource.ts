import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../kernel/columns.ts'
import { defineKind } from '../kernel/kind.ts'
import { resourceName } from '../kernel/name.ts'

/** A tool's own name, or a glob over them. */
const toolPattern = z.string().min(1).max(256)

const attachedServer = z.strictObject({
  name: resourceName,
  tools: z
    .strictObject({
      allow: z.array(toolPattern).max(500).optional().describe('Only tools that match one of these globs'),
      deny: z.array(toolPattern).max(500).optional().describe('No tool that matches one of these globs'),
      rename: z
        .record(
          z.string().min(1).max(256),
          z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -'),
        )
        .optional()
        .describe("New names by the server's own"),
    })
    .optional(),
})

export const projectSpec = z
  .strictObject({
    description: z.string().max(1000).optional(),
    instructions: z.string().max(65_536).optional().describe('Given to every agent that connects'),
    servers: z.array(attachedServer).max(200).default([]),
    namespacing: z
      .enum(['always', 'auto', 'never'])
      .default('always')
      .describe('always: <server>__<tool>. auto: only where names collide. never: names as they are'),
  })
  .superRefine((spec, context) => {
    const seen = new Set<string>()
    for (const [i, { name }] of spec.servers.entries()) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: ['servers', i, 'name'], message: `${name} is attached twice` })
      seen.add(name)
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
