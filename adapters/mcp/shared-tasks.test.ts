import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { PendingCall } from './pending-calls.ts'
import type { OwnMessage } from './rpc.ts'
import { createSharedTasks } from './shared-tasks.ts'

const call = (session: string, method = 'tools/call', token?: string): PendingCall<string> => ({
  session,
  id: 1,
  token,
  method,
  tool: undefined,
  startedAt: 0,
  requestBytes: 0,
  onSettled: undefined,
})
const answer = (result: JsonObject): OwnMessage => ({ jsonrpc: '2.0', id: 1, result })
const about = (taskId: string) => ({ jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { taskId } }) as const

const withTasks = () => {
  const tasks = createSharedTasks<string>()
  tasks.answered(1, call('ann', 'tools/call', 'tok'), answer({ task: { taskId: 'of-ann' } }))
  tasks.answered(2, call('ben'), answer({ task: { taskId: 'of-ben' } }))
  return tasks
}

describe('tasks on a shared connection', () => {
  it('are for the session that made them, and do not exist for others', () => {
    const tasks = withTasks()
    expect(tasks.refusal('ann', about('of-ann'))).toBeUndefined()
    expect(tasks.refusal('ben', about('of-ann'))).toMatchObject({ code: -32602, message: 'Unknown task: of-ann' })
    expect(tasks.ownerOf('of-ben')).toBe('ben')
  })

  it('are listed without those of others', () => {
    const listed = answer({ tasks: [{ taskId: 'of-ann' }, { taskId: 'of-ben' }, { taskId: 'x' }], nextCursor: 'c' })
    withTasks().answered(3, call('ben', 'tasks/list'), listed)
    expect(listed.result).toEqual({ tasks: [{ taskId: 'of-ben' }], nextCursor: 'c' })
  })

  it('that nobody here has made are left to the server', () =>
    expect(withTasks().refusal('ben', about('other'))).toBeUndefined())

  it('tell their progress to who made them', () => {
    const tasks = withTasks()
    expect(tasks.progressOf(1)).toEqual({ session: 'ann', token: 'tok' })
    expect(tasks.progressOf(2)).toBeUndefined()
  })

  it('are forgotten with their session', () => {
    const tasks = withTasks()
    tasks.forget('ann')
    tasks.forget('ben')
    expect(tasks.size).toBe(0)
  })

  it('are remembered within bounds', () => {
    const tasks = createSharedTasks<string>()
    for (let at = 0; at < 1500; at++) tasks.answered(at, call('ann'), answer({ task: { taskId: `t${at}` } }))
    expect(tasks.size).toBe(1024)
    expect(tasks.ownerOf('t1499')).toBe('ann')
  })
})
