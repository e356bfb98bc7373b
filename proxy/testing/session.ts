import { onTestFinished } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { CallRecord } from '../session/client-request.ts'
import { defaultSessionLimits, type SessionLimits } from '../session/limits.ts'
import { ProjectStates } from '../session/project-states.ts'
import { Session } from '../session/session.ts'
import { BEARER, FakeMcpd, type FakeProject } from './fake-mcpd.ts'
import { keptLogger } from './kept-logger.ts'
import { initializeRequest } from './local.ts'

/** A session of the project `demo` that a client has initialized, and what that client does and hears. It ends with the test. */
export const startSession = async (
  project: FakeProject,
  limits: Partial<SessionLimits> = {},
  projects = new ProjectStates(),
) => {
  const mcpd = new FakeMcpd().project('demo', project)
  const told: RpcMessage[] = []
  const ended: string[] = []
  const records: CallRecord[] = []
  const logger = keptLogger()
  const session = new Session({
    dialer: mcpd,
    project: 'demo',
    bearer: BEARER,
    client: { send: (message) => told.push(message) > 0 },
    projects,
    limits: { ...defaultSessionLimits, redialFirstMs: 1, redialLastMs: 5, listChangedMs: 5, ...limits },
    logger,
    version: '1',
    onEnded: (reason) => ended.push(reason),
    onCall: (record) => records.push(record),
  })
  onTestFinished(() => session.close('the test is over'))
  await session.open()
  let lastId = 0
  /** Sends a request; resolves with its answer. What comes before it goes to `told`, too. */
  const ask = (method: string, params?: JsonObject, more: object = {}): Promise<RpcMessage | undefined> =>
    new Promise((end) => {
      const message = {
        jsonrpc: '2.0',
        id: `c${++lastId}`,
        method,
        ...(params === undefined ? {} : { params }),
        ...more,
      }
      session.receive(message as RpcMessage, { send: (early) => told.push(early) > 0, end })
    })
  const names = async (kind = 'tools') => {
    const answer = await ask(`${kind}/list`)
    const listed = (answer?.result?.[kind] ?? []) as unknown as { name: string }[]
    return listed.map(({ name }) => name)
  }
  const list = async (kind = 'tools') => (await ask(`${kind}/list`))?.result
  const call = (name: string, more: JsonObject = {}) => ask('tools/call', { name, ...more })
  const calledAs = async (name: string) => {
    const answer = await call(name)
    const content = answer?.result?.content as { text: string }[] | undefined
    const { server, name: own } = JSON.parse(content?.[0]?.text ?? '{}')
    return content === undefined ? answer?.error?.message : `${server}/${own}`
  }
  await ask('initialize', initializeRequest.params)
  return { mcpd, session, told, ended, records, logger, ask, list, names, call, calledAs }
}
