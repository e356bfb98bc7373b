import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'
import { createLinkPair } from '../../adapters/link/in-process.ts'
import { createInstanceHost } from '../../adapters/mcp/host.ts'
import { serveLink } from '../../adapters/mcp/router.ts'
import { createTestTopology, silent } from '../../adapters/mcp/testing/mcpd.ts'
import type { Exit, RunningProgram, Runtime } from '../../domain/instance/runtime.ts'
import type { Namespacing } from '../../domain/mcp/link.ts'
import { FakeMcpd } from '../../proxy/testing/fake-mcpd.ts'
import { type Local, startLocal } from '../../proxy/testing/local.ts'

export interface BehindProxyOptions {
  /** Makes the server of one session. */
  readonly create: () => Server
  readonly sessions: 'shared' | 'dedicated'
  readonly namespacing?: Namespacing
  /** The only revision that the server speaks. */
  readonly revision?: string
  /** Hears every message that a server is sent. */
  readonly onSent?: (message: JSONRPCMessage) => void
}

/**
 * A server made with the SDK behind mcpd's router and mcplocal's endpoint, all in this process: the project `demo`. Ends
 * with the test.
 */
export const behindProxy = async (options: BehindProxyOptions): Promise<Local> => {
  const host = createInstanceHost({
    runtime: inProcess(options),
    logger: silent,
    version: '0.0.0',
    redactor: () => (text) => text,
    openHttp: () => {
      throw new Error('no HTTP here')
    },
    log: () => {},
  })
  const topology = createTestTopology({
    name: 'demo',
    namespacing: options.namespacing ?? 'never',
    servers: [{ name: 'only' }],
  })
  const local = await startLocal(new FakeMcpd(), {
    dialer: {
      dial: async (project) => {
        const [ours, theirs] = createLinkPair()
        serveLink({ project, link: ours, topology, host, logger: silent })
        return theirs
      },
    },
  })
  onTestFinished(async () => {
    await local.close()
    await host.close()
  })
  await host.start(
    {
      instance: 'only-1',
      server: 'only',
      program: { kind: 'command', command: 'in-process', args: [] },
      env: {},
      ...(options.sessions === 'shared' ? {} : { dedicated: { maxSessions: 10, minIdle: 0, idleTimeoutMs: 60_000 } }),
    },
    { signal: new AbortController().signal },
  )
  return local
}

/** Each program is a server of its own, its lines are messages. */
const inProcess = ({ create, revision, onSent }: BehindProxyOptions): Runtime => ({
  kind: 'process',
  async start(): Promise<RunningProgram> {
    const [ours, theirs] = InMemoryTransport.createLinkedPair()
    const exited = new Promise<Exit>((resolve) => {
      ours.onclose = () => resolve({ code: 0, reason: 'it was closed' })
    })
    await create().connect(theirs)
    await ours.start()
    return {
      details: {},
      send(line) {
        // In a turn of its own, as from a pipe. In memory it throws only once closed, when nobody waits any more.
        const message: JSONRPCMessage = JSON.parse(line)
        onSent?.(message)
        setImmediate(() => void ours.send(message).catch(() => {}))
        return true
      },
      onLine(listener) {
        ours.onmessage = (message) => listener(JSON.stringify(atRevision(message, revision)))
      },
      log: () => {},
      exited,
      async stop() {
        await ours.close()
        await exited
      },
    }
  },
  close: async () => {},
})

/** The answer to `initialize` of a server that speaks one revision only. */
const atRevision = (message: JSONRPCMessage, revision: string | undefined): JSONRPCMessage =>
  revision !== undefined && 'result' in message && 'protocolVersion' in message.result
    ? { ...message, result: { ...message.result, protocolVersion: revision } }
    : message
