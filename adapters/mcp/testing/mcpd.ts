import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Launch } from '../../../domain/instance/runtime.ts'
import type { Logger } from '../../../domain/kernel/logger.ts'
import type { Topology, TopologyProject } from '../../../domain/mcp/topology.ts'
import { createLinkPair } from '../../link/in-process.ts'
import type { CallRecord } from '../calls.ts'
import { type ConnectedInstanceHost, createInstanceHost } from '../host.ts'
import { serveLink } from '../router.ts'
import { createSpawnRuntime, type SpawnRuntime } from './spawn-runtime.ts'
import { type TestSession, testSession } from './test-session.ts'

const programs = join(dirname(fileURLToPath(import.meta.url)), 'programs')
const everythingFolder = dirname(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'),
)

const nodeLaunch = (
  server: string,
  instance: string,
  args: readonly string[],
  env: Record<string, string>,
): Launch => ({
  instance,
  server,
  program: { kind: 'command', command: process.execPath, args },
  env,
})

/** Starts the fixture server with these bad habits. */
export const scripted = (instance: string, flags: readonly string[] = [], env: Record<string, string> = {}): Launch =>
  nodeLaunch('scripted', instance, [join(programs, 'scripted-server.js'), ...flags], env)

export const everything = (instance: string): Launch =>
  nodeLaunch('everything', instance, [join(everythingFolder, 'dist/index.js'), 'stdio'], {})

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A topology that a test changes by hand. */
export interface TestTopology extends Topology {
  readonly listeners: number
  set(project: TopologyProject | undefined): void
}

export const createTestTopology = (initial: TopologyProject | undefined): TestTopology => {
  const listeners = new Set<(project: TopologyProject | undefined) => void>()
  let project = initial
  return {
    get listeners() {
      return listeners.size
    },
    set(next) {
      project = next
      for (const listener of [...listeners]) listener(next)
    },
    subscribe(_name, listener) {
      listeners.add(listener)
      listener(project)
      return () => listeners.delete(listener)
    },
  }
}

export interface TestMcpd {
  readonly runtime: SpawnRuntime
  readonly host: ConnectedInstanceHost
  readonly topology: TestTopology
  readonly calls: readonly CallRecord[]
  start(launch: Launch): Promise<void>
  connect(server?: string, signal?: AbortSignal): TestSession
  close(): Promise<void>
}

/** The project of the tests: one server. */
export const projectWith = (server: string, reason?: string): TopologyProject => ({
  name: 'demo',
  namespacing: 'always',
  servers: [{ name: server, ...(reason === undefined ? {} : { reason }) }],
})

/** mcpd's side of the data path with real programs, and a topology by hand. */
export const createTestMcpd = (project: TopologyProject, initializeTimeoutMs = 10_000): TestMcpd => {
  const runtime = createSpawnRuntime()
  const redactor = (secrets: readonly string[]) => (text: string) =>
    secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text)
  const host = createInstanceHost({
    runtime,
    logger: silent,
    version: '0.0.0',
    redactor,
    openHttp: () => {
      throw new Error('no HTTP here')
    },
    log: () => {},
    initializeTimeoutMs,
    drainMs: 500,
    stopGraceMs: 1000,
  })
  const topology = createTestTopology(project)
  const calls: CallRecord[] = []
  return {
    runtime,
    host,
    topology,
    calls,
    async start(launch) {
      await host.start(launch, { signal: new AbortController().signal })
    },
    connect(server, signal) {
      const [ours, theirs] = createLinkPair()
      const onCall = (call: CallRecord) => calls.push(call)
      const stop = signal === undefined ? {} : { signal }
      serveLink({ project: 'demo', link: ours, topology, host, logger: silent, principal: 'User:ada', onCall, ...stop })
      return testSession(theirs, server)
    },
    close: () => host.close(),
  }
}
