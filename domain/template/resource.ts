import { z } from 'zod'
import { ageColumn, field, nameColumn } from '../kernel/columns.ts'
import type { Recorded } from '../kernel/decider.ts'
import { touch } from '../kernel/declared.ts'
import type { DomainEvent } from '../kernel/event.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { defineKind } from '../kernel/kind.ts'
import type { ResourceRow } from '../kernel/resource.ts'
import { argument, envName, serverSpec, sourceOf } from '../server/resource.ts'
import type { TemplateFileReported } from './files.ts'

/** One thing that whoever creates a server from the template gives it, or may give it. */
const variable = z
  .strictObject({
    name: envName,
    description: z.string().max(1000).optional(),
    required: z.boolean().default(false),
    secret: z.boolean().default(false).describe('Goes into a secret, and to the server from there'),
    default: argument.optional(),
    argument: z.boolean().default(false).describe(`Stands where \${NAME} is in args, not in the environment`),
  })
  .refine((each) => !each.secret || each.default === undefined, {
    error: 'a secret has no default: everybody could read it',
    path: ['default'],
  })
  .refine((each) => !each.secret || !each.argument, {
    error: 'a secret is no argument: it would stand in the process list',
    path: ['argument'],
  })
export type TemplateVariable = z.output<typeof variable>

export const templateSpec = z
  .strictObject({
    description: z.string().max(1000).optional(),
    documentation: z
      .url({ protocol: /^https?$/ })
      .max(1000)
      .optional()
      .describe("Where the server's makers describe it"),
    environment: z.array(variable).max(100).default([]).describe('What a server made from it is given'),
    server: serverSpec.describe('The spec of a server made from it'),
  })
  .superRefine(({ environment, server }, context) => {
    const fixed = new Set(server.env.map(({ name }) => name))
    const seen = new Set<string>()
    const used = placeholdersIn(server.args)
    for (const [i, { name, argument: isArgument }] of environment.entries()) {
      const flaw = (message: string) =>
        context.addIssue({ code: 'custom', path: ['environment', i, 'name'], message: `${name} ${message}` })
      if (seen.has(name)) flaw('is there twice')
      if (fixed.has(name)) flaw('has a fixed value in server.env')
      if (isArgument && !used.includes(name)) flaw(`is an argument, but \${${name}} does not stand in server.args`)
      seen.add(name)
    }
    const known = new Set(environment.filter((each) => each.argument).map(({ name }) => name))
    for (const [i, text] of server.args.entries())
      for (const name of placeholdersIn([text]))
        if (!known.has(name))
          context.addIssue({
            code: 'custom',
            path: ['server', 'args', i],
            message: `\${${name}} stands for no entry of environment with "argument: true"`,
          })
  })
export type TemplateSpec = z.output<typeof templateSpec>

/** `${NAME}` in an argument. */
export const PLACEHOLDER = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

const placeholdersIn = (args: readonly string[]): readonly string[] =>
  args.flatMap((text) => [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name))

/** What an event makes of a template's row beyond declaring and deleting it: how it stands with its file. */
const status = (row: ResourceRow | undefined, event: Recorded<DomainEvent>): ResourceRow | undefined => {
  if (isFileReport(event)) return reported(row, event)
  if (row === undefined || event.type !== 'TemplateDeclared' || event.actor.kind === 'System') return row
  if (typeof row.status.file !== 'string' || row.status.state === 'removed') return row
  const by = `${event.actor.kind}:${event.actor.name}`
  return touch(row, event, { state: 'changed', field: null, reason: `edited by ${by}` })
}

const isFileReport = (event: Recorded<DomainEvent>): event is Recorded<TemplateFileReported> =>
  event.type === 'TemplateFileReported'

const reported = (row: ResourceRow | undefined, event: Recorded<TemplateFileReported>): ResourceRow | undefined => {
  const { name, file, state, field: path = null, reason = null } = event.data
  if (row === undefined) return state === 'broken' ? onlyBroken(name, event, { file, state, field: path, reason }) : row
  if (row.uid === '' && state !== 'broken') return undefined
  return touch(row, event, { file, state, field: path, reason })
}

/** The row of a file that never held a template: so that it is seen. */
const onlyBroken = (name: string, event: Recorded<DomainEvent>, is: JsonObject): ResourceRow => {
  const by = `${event.actor.kind}:${event.actor.name}`
  return {
    kind: 'template',
    name,
    uid: '',
    revision: 0n,
    position: event.position,
    labels: {},
    spec: {},
    status: is,
    createdAt: event.at,
    updatedAt: event.at,
    createdBy: by,
    updatedBy: by,
  }
}

/** `ok`, `changed: why`, `broken: field: why`, `removed`: one line. */
export const fileStateOf = ({ state, field: path, reason }: JsonObject): string => {
  const why = [path, reason].filter((part) => typeof part === 'string' && part !== '').join(': ')
  return [state ?? 'ok', why].filter((part) => part !== '').join(': ')
}

const variablesOf = (spec: JsonObject): readonly TemplateVariable[] =>
  Array.isArray(spec.environment) ? (spec.environment as unknown as TemplateVariable[]) : []

export const template = defineKind({
  kind: 'template',
  plural: 'templates',
  shortNames: ['tmpl'],
  eventPrefix: 'Template',
  summary: 'A server as others make it: what it runs, and what it has to be given',
  spec: templateSpec,
  observes: ({ type, data }) => (type === 'TemplateFileReported' && typeof data.name === 'string' ? [data.name] : []),
  status,
  columns: [
    nameColumn,
    { header: 'SOURCE', value: ({ spec }) => (isObject(spec.server) ? sourceOf(spec.server) : '') },
    { header: 'STATUS', value: (resource) => fileStateOf(resource.status ?? {}) },
    ageColumn,
    {
      header: 'NEEDS',
      wide: true,
      value: ({ spec }) =>
        variablesOf(spec)
          .filter((each) => each.required && each.default === undefined)
          .map(({ name, secret }) => `${name}${secret ? '*' : ''}`)
          .join(','),
    },
    field('FILE', 'status.file', { wide: true }),
    field('DESCRIPTION', 'spec.description', { wide: true }),
  ],
  example: {
    description: 'Files below one folder',
    documentation: 'https://example.com/files',
    environment: [
      { name: 'FOLDER', required: true, argument: true, description: 'The folder' },
      { name: 'TOKEN', required: true, secret: true, description: 'Whom it belongs to' },
    ],
    server: { packageName: 'files-server', version: '1.2.3', args: [`\${FOLDER}`] },
  },
})
