// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how templates write it
import { describe, expect, it } from 'vitest'
import { fillTemplate, flawsOfGiven, missingFrom } from './fill.ts'
import { templateSpec } from './resource.ts'

const spec = templateSpec.parse({
  environment: [
    { name: 'FOLDER', required: true, argument: true },
    { name: 'LEVEL', argument: true },
    { name: 'TOKEN', required: true, secret: true },
    { name: 'URL', required: true },
    { name: 'PORT', required: true, default: '5432' },
    { name: 'EXTRA' },
  ],
  server: { command: 'x', args: ['--dir=${FOLDER}', '${LEVEL}', 'stdio'], env: [{ name: 'FIXED', value: '1' }] },
})
const given = (values: Record<string, string>, secrets: Record<string, { name: string; key: string }> = {}) => ({
  values: new Map(Object.entries(values)),
  secrets: new Map(Object.entries(secrets)),
})
const token = { name: 'x-env', key: 'TOKEN' }

describe('a template that is filled in', () => {
  it('misses what is required, has no default, and was not given', () => {
    expect(missingFrom(spec, given({})).map(({ name }) => name)).toEqual(['FOLDER', 'TOKEN', 'URL'])
    expect(missingFrom(spec, given({ FOLDER: '/srv', URL: 'http://x' }, { TOKEN: token }))).toEqual([])
  })

  it('takes no secret in clear, and none for the command line', () =>
    expect(flawsOfGiven(spec, given({ TOKEN: 'hunter2' }, { FOLDER: token, URL: token }))).toEqual([
      { name: 'FOLDER', problem: 'argument-from-secret' },
      { name: 'TOKEN', problem: 'secret-in-clear' },
    ]))

  it('becomes a server with values, defaults and secrets by reference', () => {
    const server = fillTemplate(spec, given({ FOLDER: '/a b', URL: 'http://x' }, { TOKEN: token }))
    expect(server.args).toEqual(['--dir=/a b', 'stdio'])
    expect(server.env).toEqual([
      { name: 'FIXED', value: '1' },
      { name: 'PORT', value: '5432' },
      { name: 'URL', value: 'http://x' },
      { name: 'TOKEN', valueFrom: { secretRef: token } },
    ])
  })

  it('puts values into arguments as they are', () =>
    expect(fillTemplate(spec, given({ FOLDER: '$& ${TOKEN}', LEVEL: '-v' })).args).toEqual([
      '--dir=$& ${TOKEN}',
      '-v',
      'stdio',
    ]))

  it('gives way where a variable is given another value or a secret', () => {
    const { env } = fillTemplate(spec, given({ FIXED: '2', PORT: '1' }, { EXTRA: token, URL: token }))
    expect(env).toEqual([
      { name: 'PORT', value: '1' },
      { name: 'FIXED', value: '2' },
      { name: 'EXTRA', valueFrom: { secretRef: token } },
      { name: 'URL', valueFrom: { secretRef: token } },
    ])
  })
})
