import { describe, it } from 'vitest'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { LogUnderTest } from '../event-log-contract/contract.ts'
import { eventLogContract } from '../event-log-contract/contract.ts'
import { openEventStoreLog } from './eventstore-log.ts'
import { startWireServer } from './testing/wire-server.ts'

/** Used only where it has been pulled already: a test does not download. */
const IMAGES = [
  'eventstore/eventstore:23.10.0-bookworm-slim',
  'eventstore/eventstore:latest',
  'kurrentplatform/kurrentdb:latest',
]

const underTest = async (connectionString: string, stop: () => Promise<unknown>): Promise<LogUnderTest> => {
  const reopen = () => openEventStoreLog({ connectionString })
  const log = await reopen()
  return {
    log,
    reopen,
    async close() {
      await log.close()
      await stop()
    },
  }
}

/** Loaded only when it is needed: it wants a newer Node than this project does. */
const containers = () => import('testcontainers')

/** An image that a Docker engine here can start, or why there is none. */
const localImage = async (): Promise<{ image: string } | { missing: string }> => {
  try {
    const { getContainerRuntimeClient, ImageName } = await containers()
    const { image } = await getContainerRuntimeClient()
    for (const name of IMAGES) if (await image.exists(ImageName.fromString(name))) return { image: name }
    return { missing: 'a Docker engine answers, but has no image of EventStoreDB' }
  } catch (error) {
    return { missing: `no Docker engine can be used (${messageOf(error)})` }
  }
}

const inContainer = async (image: string): Promise<LogUnderTest> => {
  const { GenericContainer, Wait } = await containers()
  const container = await new GenericContainer(image)
    .withCommand(['--insecure', '--mem-db', '--run-projections=None'])
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .start()
  const connectionString = `esdb://${container.getHost()}:${container.getMappedPort(2113)}?tls=false`
  return underTest(connectionString, () => container.stop())
}

const tell = (line: string): void => void process.stdout.write(`event log contract: ${line}\n`)

tell('runs on the wire-level server, with the real client')
eventLogContract('EventStoreDB client, wire-level server', async () => {
  const server = await startWireServer()
  return underTest(server.connectionString, () => server.stop())
})

const url = process.env.EVENTSTORE_URL
const found: { image: string } | { missing: string } =
  url === undefined ? await localImage() : { missing: 'EVENTSTORE_URL is used' }

if (url !== undefined) {
  tell('runs on the server at EVENTSTORE_URL')
  eventLogContract('EventStoreDB at EVENTSTORE_URL', () => underTest(url, async () => undefined))
} else if ('image' in found) {
  tell(`runs on ${found.image} in a container`)
  eventLogContract(`EventStoreDB in a container`, () => inContainer(found.image))
} else {
  tell(`does not run on a real EventStoreDB: EVENTSTORE_URL is not set, and ${found.missing}`)
  describe('EventStoreDB itself', () => {
    it.skip(`needs EVENTSTORE_URL, or a Docker engine with its image: ${found.missing}`)
  })
}
