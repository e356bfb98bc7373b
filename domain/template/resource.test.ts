// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how templates write it
import { describe, expect, it } from 'vitest'
import type { Actor } from '../kernel/event.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type ResourceRow, toResource } from '../kernel/resource.ts'
import { schemaFlaws } from '../kernel/schema-flaws.ts'
import { record } from '../kernel/testing/given.ts'
import { fileStateOf, template, templateSpec } from './resource.ts'

const flaws = (spec: object): readonly string[] => {
  const { error } = templateSpec.safeParse(spec)
  return (error?.issues ?? []).flatMap(schemaFlaws).map(({ path, message }) => `${path}: ${message}`)
}
const server = { command: 'x' }

describe("a template's spec", () => {
  it('takes its example', () => expect(flaws(template.example)).toEqual([]))

  it('has no secret with a default, and none as an argument', () => {
    const environment = [
      { name: 'A', secret: true, default: 'hunter2' },
      { name: 'B', secret: true, argument: true },
    ]
    expect(flaws({ server: { ...server, args: ['${B}'] }, environment })).toEqual([
      'environment.0.default: a secret has no default: everybody could read it',
      'environment.1.argument: a secret is no argument: it would stand in the process list',
    ])
  })

  it('names each variable once, and none that has a fixed value', () => {
    const environment = [{ name: 'A' }, { name: 'A' }, { name: 'B' }]
    expect(flaws({ server: { ...server, env: [{ name: 'B', value: '1' }] }, environment })).toEqual([
      'environment.1.name: A is there twice',
      'environment.2.name: B has a fixed value in server.env',
    ])
  })

  it('has a variable for each ${NAME} in its arguments, and the other way round', () => {
    expect(
      flaws({ server: { ...server, args: ['--a', '-b=${B}'] }, environment: [{ name: 'A', argument: true }] }),
    ).toEqual([
      'environment.0.name: A is an argument, but ${A} does not stand in server.args',
      'server.args.1: ${B} stands for no entry of environment with "argument: true"',
    ])
  })

  it('is wrong where its server is', () =>
    expect(flaws({ server: { packageName: 'Not A Package' } })).toEqual([
      expect.stringMatching(/^server\.packageName: must be an npm package name/),
    ]))
})

type Told = readonly [type: string, data: JsonObject, actor?: Actor]
const MCPD: Actor = { kind: 'System', name: 'templates' }
const rowAfter = (...told: readonly Told[]): ResourceRow | undefined =>
  told.reduce<ResourceRow | undefined>((row, [type, data, actor = MCPD], i) => {
    const stream = type === 'TemplateFileReported' ? 'templatefiles-mcpd' : 'template-a'
    const [event] = record([{ type, data }], stream, i)
    return event === undefined ? row : template.fold(row, { ...event, actor })
  }, undefined)
const statusAfter = (...told: readonly Told[]): string | undefined => {
  const row = rowAfter(...told)
  return row && fileStateOf(row.status)
}
const declared: Told = ['TemplateDeclared', { uid: 'u', spec: { server: { command: 'x' } }, labels: {} }]
const file = (state: string, more: JsonObject = {}): Told => [
  'TemplateFileReported',
  { name: 'a', file: '/t/a.yaml', state, ...more },
]
const broken = file('broken', { field: 'spec.server', reason: 'is missing' })

describe("a template's row", () => {
  it('says how it stands with its file', () => {
    expect(statusAfter(declared, file('ok'))).toBe('ok')
    expect(statusAfter(declared, file('ok'), file('removed'))).toBe('removed')
    expect(statusAfter(declared, file('ok'), broken)).toBe('broken: spec.server: is missing')
    expect(statusAfter(declared, file('ok'), broken, file('ok'))).toBe('ok')
  })

  it('keeps what it was when its file breaks', () =>
    expect(rowAfter(declared, file('ok'), broken)?.spec).toEqual({ server: { command: 'x' } }))

  it('is there for a file that never held a template, and goes with it', () => {
    expect(rowAfter(broken)).toMatchObject({ name: 'a', spec: {}, status: { state: 'broken', file: '/t/a.yaml' } })
    expect(rowAfter(broken, file('removed'))).toBeUndefined()
    expect(rowAfter(broken, declared, file('ok'))).toMatchObject({ uid: 'u', status: { state: 'ok' } })
  })

  it('says who has changed it by hand', () => {
    const byHand: Told = ['TemplateDeclared', declared[1], { kind: 'User', name: 'ada' }]
    expect(statusAfter(declared, file('ok'), byHand)).toBe('changed: edited by User:ada')
    expect(statusAfter(byHand)).toBe('ok')
  })

  it('does not come back by a report when the template was deleted', () =>
    expect(
      rowAfter(declared, file('ok'), ['TemplateDeleted', { uid: 'u' }], file('ok', { digest: '2' })),
    ).toBeUndefined())

  it('is shown with its source and what it has to be given, secrets with a star', () => {
    const spec = templateSpec.parse(template.example) as never
    const row = rowAfter(['TemplateDeclared', { uid: 'u', spec, labels: {} }])
    const shown = template.columns.map(({ header, value }) => [header, row && value(toResource(row), new Date())])
    expect(Object.fromEntries(shown)).toMatchObject({
      SOURCE: 'files-server@1.2.3',
      NEEDS: 'FOLDER,TOKEN*',
      STATUS: 'ok',
    })
  })
})
