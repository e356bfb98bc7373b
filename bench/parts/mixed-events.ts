import { randomUUID } from 'node:crypto'
import { catalog } from '../../domain/catalog.ts'
import type { NewEvent } from '../../domain/kernel/event.ts'
import type { EventLog, ExpectedRevision } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** One or more events that are appended to a stream together. */
interface Step {
  readonly stream: string
  readonly events: readonly (readonly [type: string, data: JsonObject])[]
}

/** Lives that go on at once, so that their events are mixed in the log. */
const LIVES = 256
/** Every so many lives one goes on for long: a server that keeps crashing, and its project that keeps changing. */
const LONG_EVERY = 40
const LONG_RESTARTS = 600
const at = '2026-03-01T12:00:00.000Z'

const one = (stream: string, type: string, data: JsonObject): Step => ({ stream, events: [[type, data]] })

/** What happens to one team: a secret, a server with it, copies of the server that run, crash and are replaced, a project; half are deleted. */
function* life(n: number): Generator<Step> {
  const [secret, server, project] = [`secret-s${n}`, `server-m${n}`, `project-p${n}`]
  const uid = randomUUID()
  const sealed = { nonce: 'AAAAAAAAAAAAAAAA', ciphertext: 'q'.repeat(64), tag: 'AAAAAAAAAAAAAAAAAAAAAA==' }
  yield one(secret, 'SecretDeclared', { uid, spec: { backend: 'default', data: { KEY: sealed } }, labels: {} })
  yield one(secret, 'ReferenceTaken', { by: `server/m${n}`, at })
  yield one(server, 'ServerDeclared', { uid, spec: serverSpec(n, 0), labels: { team: `t${n % 20}` } })
  yield one(server, 'ReferenceTaken', { by: `project/p${n}`, at })
  yield one(project, 'ProjectDeclared', projectData(n, 0))
  const restarts = n % LONG_EVERY === 0 ? LONG_RESTARTS : 2
  for (const copy of [1, 2]) {
    const instance = `instance-m${n}-${copy}`
    const of = { server: `m${n}` }
    const created = { ...of, serverUid: uid, specHash: '0123456789', uid: randomUUID(), at }
    yield one(instance, 'InstanceCreated', created)
    for (let i = 1; i <= restarts; i += 1) {
      yield {
        stream: instance,
        events: [
          ['InstanceStarting', { ...of, attempt: i, at }],
          ['InstanceStarted', { ...of, at, details: { pid: 4000 + i } }],
          ['InstanceExited', { ...of, reason: 'it ended', code: 1, failures: i, at, nextRetryAt: at }],
        ],
      }
      if (i % 3 === 0) yield one(project, 'ProjectDeclared', projectData(n, i))
    }
    yield one(server, 'ServerDeclared', { uid, spec: serverSpec(n, copy), labels: {} })
    if (copy === 1) yield one(instance, 'InstanceStopped', { ...of, reason: 'its server has a new spec', at })
  }
  if (n % 2 === 0) return
  yield one(project, 'ProjectDeleted', { uid })
  yield one(`instance-m${n}-2`, 'InstanceStopped', { server: `m${n}`, reason: 'its server was deleted', at })
  yield {
    stream: server,
    events: [
      ['ReferenceReleased', { by: `project/p${n}` }],
      ['ServerDeleted', { uid }],
    ],
  }
  yield {
    stream: secret,
    events: [
      ['ReferenceReleased', { by: `server/m${n}` }],
      ['SecretDeleted', { uid }],
    ],
  }
}

const serverSpec = (n: number, version: number): JsonObject => ({
  packageName: '@modelcontextprotocol/server-everything',
  version: `2026.8.${version}`,
  args: ['stdio'],
  env: [
    { name: 'LOG', value: 'info' },
    { name: 'KEY', valueFrom: { secretRef: { name: `s${n}`, key: 'KEY' } } },
  ],
  transport: 'STDIO',
  sessions: 'shared',
  replicas: 1,
  allowScripts: false,
})

const projectData = (n: number, version: number): JsonObject => ({
  uid: `project-${n}`,
  spec: { description: `version ${version}`, servers: [{ name: `m${n}` }], namespacing: 'always' },
  labels: { team: `t${n % 20}` },
})

/** Appends at least `count` valid events of most types to an empty log, many lives at once. @returns how many they were */
export const fillLog = async (log: EventLog, count: number): Promise<number> => {
  let appended = 0
  let lives = 0
  const live = async (): Promise<void> => {
    while (appended < count) {
      const revisions = new Map<string, ExpectedRevision>()
      for (const { stream, events } of life(lives++)) {
        if (appended >= count) return
        const fresh = events.map(([type, data]) => newEvent(stream, type, data))
        const { revision } = await log.append(stream, fresh, revisions.get(stream) ?? 'none')
        revisions.set(stream, revision)
        appended += fresh.length
      }
    }
  }
  await Promise.all(Array.from({ length: LIVES }, live))
  return appended
}

const newEvent = (stream: string, type: string, data: JsonObject): NewEvent => {
  const id = randomUUID()
  const { schemaVersion } = catalog.check(stream, { type, data })
  const actor = { kind: 'User', name: 'ada', tokenSha: '0123456789ab' } as const
  const ids = { commandId: id, correlationId: id, causationId: id }
  return { id, type, data, metadata: { schemaVersion, occurredAt: at, actor, ...ids } }
}
