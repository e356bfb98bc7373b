import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { readTemplateFolder } from '../../adapters/template-files/read-folder.ts'
import type { CommandContext } from '../../commands/context.ts'
import { createCommandLoop } from '../../commands/handle.ts'
import { createResourceCommands } from '../../commands/resources.ts'
import { catalog } from '../../domain/catalog.ts'
import { systemClock } from '../../domain/kernel/clock.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { kinds } from '../../domain/registry.ts'
import { sourceOf } from '../../domain/server/resource.ts'
import { fileStateOf, template, templateSpec } from '../../domain/template/resource.ts'
import { seedTemplates, templateFilesOf } from './template-files.ts'

let root: string
let folder: string
let log: EventLog
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mcpctl-templates-'))
  folder = join(root, 'own')
  await mkdir(folder)
  log = await openEmbeddedLog({ folder: join(root, 'log') })
})
afterEach(async () => {
  await log.close()
  await rm(root, { recursive: true, force: true })
})

const registry = createRegistry(kinds)
const said: string[] = []
const say = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`)
const logger = { debug: say, info: say, warn: say, error: say }

const resourcesOn = (on: EventLog) => {
  const loop = createCommandLoop({ log: on, catalog, clock: systemClock })
  const resources = createResourceCommands({ loop, registry, clock: systemClock, newId: randomUUID, hooks: {} })
  return { loop, resources }
}

/** A start of mcpd, as far as templates go. */
const start = async (files = readTemplateFolder(folder)): Promise<void> => {
  said.length = 0
  await seedTemplates({ registry, ...resourcesOn(log), newId: randomUUID, logger }, files)
}

const ada = (): CommandContext => {
  const id = randomUUID()
  return { actor: { kind: 'User', name: 'ada' }, commandId: id, correlationId: id, causationId: id }
}

/** The rows of templates, as the read model folds them. */
const rows = async (): Promise<ReadonlyMap<string, ResourceRow>> => {
  const found = new Map<string, ResourceRow>()
  for await (const event of log.readAll({})) {
    const decoded = catalog.decode(event)
    const own = event.stream.startsWith('template-') ? [event.stream.slice('template-'.length)] : []
    for (const name of [...own, ...template.observes(decoded)]) {
      const row = template.fold(found.get(name), decoded)
      if (row === undefined) found.delete(name)
      else found.set(name, row)
    }
  }
  return found
}
const states = async () =>
  Object.fromEntries([...(await rows())].map(([name, { status }]) => [name, fileStateOf(status)]))
const head = () => log.head()

const manifest = (name: string, version = '1.0.0', more = ''): string =>
  `kind: template\nmetadata: { name: ${name} }\nspec:\n  server: { packageName: ${name}-server, version: ${version} }\n${more}`
const write = (file: string, text: string) => writeFile(join(folder, file), text)

describe('the templates that mcpctl brings', () => {
  const builtin = () => templateFilesOf({ templateFolders: [] } as never)
  const NAMES = [
    'everything',
    'filesystem',
    'gitea',
    'github',
    'grafana',
    'home-assistant',
    'jira',
    'memory',
    'node-red',
    'postgres',
    'slack',
  ]

  it('are there after the first start, and cost the next one no event', async () => {
    await start(builtin())
    expect(await states()).toEqual(Object.fromEntries(NAMES.map((name) => [name, 'ok'])))
    const before = await head()
    await start(builtin())
    expect(await head()).toBe(before)
    expect(said).toEqual([])
  })

  it('each say what they run, pinned, how its health is told, and where its makers describe it', async () => {
    const page = await readFile(new URL('../../docs/templates.md', import.meta.url), 'utf8')
    await start(builtin())
    for (const [name, row] of await rows()) {
      const { description, documentation, server, environment } = templateSpec.parse(row.spec)
      const pinned = server.version ?? server.dockerImage?.split(':').at(-1) ?? ''
      expect([name, pinned]).toEqual([name, expect.stringMatching(/^v?\d+\.\d+\.\d+$/)])
      expect(description, name).toBeTruthy()
      expect(documentation, name).toMatch(/^https:/)
      expect(server.healthCheck?.tool, name).toBeTruthy()
      // The page was compared with the packages: "npm run check:templates -- --write" does it again.
      expect(page).toContain(`\`${sourceOf(row.spec.server as never)}\``)
      for (const variable of environment) {
        expect(variable.description, `${name} ${variable.name}`).toBeTruthy()
        expect(variable.secret, `${name} ${variable.name}`).toBe(/TOKEN|PASSWORD|KEY$/.test(variable.name))
      }
    }
  })
})

describe('template files of one’s own', () => {
  it('that change, change their template, which says so until the next start', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await write('a.yaml', manifest('a', '2.0.0', '  description: new\n'))
    await start()
    expect(await states()).toEqual({ a: 'changed: the file has a new description, server.version' })
    expect((await rows()).get('a')?.spec.server).toMatchObject({ version: '2.0.0' })
    await start()
    expect(await states()).toEqual({ a: 'ok' })
  })

  it('that break are reported with file, field and reason; the template stays what it was', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await write('a.yaml', manifest('a').replace('version', 'vers'))
    await start()
    expect(await states()).toEqual({ a: 'broken: spec.server.vers: there is no such field (line 4)' })
    expect((await rows()).get('a')).toMatchObject({ status: { file: join(folder, 'a.yaml') } })
    expect((await rows()).get('a')?.spec.server).toMatchObject({ version: '1.0.0' })
    expect(said).toEqual([expect.stringContaining('"field":"spec.server.vers"')])
    await write('a.yaml', manifest('a'))
    await start()
    expect(await states()).toEqual({ a: 'ok' })
  })

  it('that never held a template are there with the reason, and go when they go', async () => {
    await write('My Notes!.yaml', 'kind: template\nmetadata: { name: x }\nspec: [')
    await write('secret.yaml', 'kind: secret\nmetadata: { name: x }\nspec: { data: { K: hunter2 } }')
    await write('two.yaml', `${manifest('b')}---\n${manifest('c')}`)
    await write('empty.yaml', '')
    await write('z.yaml', manifest('z'))
    await start()
    expect(await states()).toEqual({
      'my-notes': expect.stringMatching(/^broken: .+ \(line 3\)$/),
      secret: 'broken: kind: must be template, not secret',
      two: 'broken: holds more than one resource: a file is one template',
      empty: 'broken: holds no template',
      z: 'ok',
    })
    expect(said.join('')).not.toContain('hunter2')
    await Promise.all(['My Notes!.yaml', 'secret.yaml', 'two.yaml'].map((file) => rm(join(folder, file))))
    await write('empty.yaml', manifest('empty'))
    await start()
    expect(await states()).toEqual({ empty: 'ok', z: 'ok' })
  })

  it('of one name: the first counts, the other is reported', async () => {
    await write('1.yaml', manifest('a', '1.0.0'))
    await write('2.yaml', manifest('a', '2.0.0'))
    const first = `broken: metadata.name: "a" is the template of ${join(folder, '1.yaml')} already`
    for (let i = 0; i < 2; i++) {
      await start()
      expect(await states()).toEqual({ a: 'ok', '2': first })
    }
    await rm(join(folder, '1.yaml'))
    await start()
    expect(await states()).toEqual({ a: 'changed: the file has a new server.version' })
  })

  it('that are gone leave their template, marked; it can be deleted, and comes back with its file', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await rename(join(folder, 'a.yaml'), join(root, 'a.yaml'))
    await start()
    expect(await states()).toEqual({ a: 'removed' })
    const { resources } = resourcesOn(log)
    await resources.delete({ kind: template, name: 'a' }, ada())
    await rename(join(root, 'a.yaml'), join(folder, 'a.yaml'))
    await start()
    expect(await states()).toEqual({ a: 'ok' })
  })

  it('that moved are the same template', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    const before = (await rows()).get('a')?.revision
    await rename(join(folder, 'a.yaml'), join(folder, 'b.yaml'))
    await start()
    expect(await states()).toEqual({ a: 'ok' })
    expect((await rows()).get('a')).toMatchObject({ revision: before, status: { file: join(folder, 'b.yaml') } })
  })

  it('in a folder that cannot be looked into are not gone', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await rename(folder, `${folder}-away`)
    await start()
    expect(await states()).toEqual({ a: `broken: ${folder}: does not exist, or points to nothing` })
    await rename(`${folder}-away`, folder)
    await start()
    expect(await states()).toEqual({ a: 'ok' })
  })

  it('in a folder that never was there are a line of its own', async () => {
    await start(readTemplateFolder(join(root, 'none')))
    expect(await states()).toEqual({ none: 'broken: does not exist, or points to nothing' })
  })
})

describe('a template that a person has changed', () => {
  const edit = (version: string) => {
    const spec = templateSpec.parse({ server: { packageName: 'a-server', version } }) as never
    return resourcesOn(log).resources.declare({ kind: template, name: 'a', labels: {}, spec, mode: 'apply' }, ada())
  }

  it('stays so, and says so', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await edit('9.0.0')
    await start()
    expect(await states()).toEqual({ a: 'changed: edited by User:ada' })
  })

  it('stays so when its file changes as well', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await edit('9.0.0')
    await write('a.yaml', manifest('a', '2.0.0'))
    for (let i = 0; i < 2; i++) {
      await start()
      expect(await states()).toEqual({
        a: expect.stringMatching(/^changed: the file differs from what was changed by hand/),
      })
      expect((await rows()).get('a')?.spec.server).toMatchObject({ version: '9.0.0' })
    }
    await edit('2.0.0') // what the file says
    await write('a.yaml', manifest('a', '3.0.0'))
    await start()
    expect((await rows()).get('a')?.spec.server).toMatchObject({ version: '3.0.0' })
  })

  it('stays deleted as long as its file is there, whatever is in it', async () => {
    await write('a.yaml', manifest('a'))
    await start()
    await resourcesOn(log).resources.delete({ kind: template, name: 'a' }, ada())
    await start()
    await write('a.yaml', manifest('a', '2.0.0'))
    await start()
    expect(await states()).toEqual({})
  })

  it('is not overwritten by the first file of its name', async () => {
    await edit('9.0.0')
    await write('a.yaml', manifest('a'))
    await start()
    expect((await rows()).get('a')?.spec.server).toMatchObject({ version: '9.0.0' })
    expect(await states()).toEqual({ a: expect.stringMatching(/^changed: /) })
  })
})

it('a log that takes no events does not fail the start', async () => {
  await write('a.yaml', manifest('a'))
  await log.close()
  await start()
  expect(said).toEqual([expect.stringContaining('the next start tries again')])
  log = await openEmbeddedLog({ folder: join(root, 'log') })
})
