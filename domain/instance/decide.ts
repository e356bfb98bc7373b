import { assertNever } from '../kernel/assert-never.ts'
import type { Decider, Recorded } from '../kernel/decider.ts'
import { alreadyExists, notFound } from '../kernel/declared.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { InstanceEvent } from './events.ts'
import { MIN_UPTIME_MS, retryDelayMs } from './retry.ts'

export interface Instance {
  readonly phase: 'none' | 'pending' | 'starting' | 'running' | 'error' | 'stopped'
  readonly server: string
  /** Attempts that failed since it last ran long enough. */
  readonly failures: number
  readonly startedAt?: string
}

/** All times are ISO 8601; `instance` is its name. */
export type InstanceCommand =
  | {
      readonly type: 'CreateInstance'
      readonly instance: string
      readonly uid: string
      readonly server: string
      readonly serverUid: string
      readonly specHash: string
      readonly at: string
    }
  | { readonly type: 'BeginStart'; readonly instance: string; readonly at: string }
  | { readonly type: 'ReportStarted'; readonly instance: string; readonly at: string; readonly details: JsonObject }
  | { readonly type: 'ReportStartFailed'; readonly instance: string; readonly at: string; readonly reason: string }
  | {
      readonly type: 'ReportExit'
      readonly instance: string
      readonly at: string
      readonly reason: string
      readonly code?: number
      readonly signal?: string
    }
  | { readonly type: 'ReportInterrupted'; readonly instance: string; readonly at: string; readonly reason: string }
  | { readonly type: 'RequestRetry'; readonly instance: string; readonly at: string; readonly reason: string }
  | { readonly type: 'StopInstance'; readonly instance: string; readonly at: string; readonly reason: string }

const INITIAL: Instance = { phase: 'none', server: '', failures: 0 }

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()

/** One running copy of a server: created, started, retried in place, stopped. */
export const instanceDecider: Decider<Instance, InstanceCommand, InstanceEvent> = {
  initial: INITIAL,
  evolve: (state, event) => evolveInstance(state, event),
  decide(command, state) {
    const { server } = state
    const { at } = command
    if (command.type === 'CreateInstance') return create(command, state)
    if (state.phase === 'none') throw notFound({ kind: 'instance', name: command.instance })
    if (state.phase === 'stopped') return [] // whatever is reported of it now comes too late to matter
    switch (command.type) {
      case 'BeginStart':
        if (state.phase === 'starting' || state.phase === 'running') return []
        return [{ type: 'InstanceStarting', data: { server, attempt: state.failures + 1, at } }]
      case 'ReportStarted':
        if (state.phase !== 'starting') return []
        return [{ type: 'InstanceStarted', data: { server, at, details: command.details } }]
      case 'ReportStartFailed': {
        if (state.phase !== 'starting') return []
        const attempt = state.failures + 1
        const nextRetryAt = later(at, retryDelayMs(attempt))
        return [{ type: 'InstanceStartFailed', data: { server, reason: command.reason, attempt, at, nextRetryAt } }]
      }
      case 'ReportExit': {
        if (state.phase !== 'running') return []
        const { type: _type, instance: _instance, ...how } = command
        const uptime = Date.parse(at) - Date.parse(state.startedAt ?? at)
        const failures = uptime < MIN_UPTIME_MS ? state.failures + 1 : 0
        const nextRetryAt = failures === 0 ? at : later(at, retryDelayMs(failures))
        return [{ type: 'InstanceExited', data: { server, ...how, failures, nextRetryAt } }]
      }
      case 'ReportInterrupted':
        if (state.phase !== 'starting' && state.phase !== 'running') return []
        return [{ type: 'InstanceInterrupted', data: { server, reason: command.reason, at } }]
      case 'RequestRetry':
        if (state.phase !== 'error') return []
        return [{ type: 'InstanceRetryRequested', data: { server, reason: command.reason, at } }]
      case 'StopInstance':
        return [{ type: 'InstanceStopped', data: { server, reason: command.reason, at } }]
      default:
        return assertNever(command)
    }
  },
}

const create = (command: InstanceCommand & { type: 'CreateInstance' }, state: Instance): readonly InstanceEvent[] => {
  const { type: _type, instance, ...data } = command
  if (state.phase !== 'none') throw alreadyExists({ kind: 'instance', name: instance })
  return [{ type: 'InstanceCreated', data }]
}

const evolveInstance = (state: Instance, { type, data }: Recorded<InstanceEvent>): Instance => {
  switch (type) {
    case 'InstanceCreated':
      return { phase: 'pending', server: data.server, failures: 0 }
    case 'InstanceStarting':
      return { ...state, phase: 'starting' }
    case 'InstanceStarted':
      return { ...state, phase: 'running', startedAt: data.at }
    case 'InstanceStartFailed':
      return { ...state, phase: 'error', failures: data.attempt }
    case 'InstanceExited':
      return { ...state, phase: 'error', failures: data.failures }
    case 'InstanceInterrupted':
      return { ...state, phase: 'pending' }
    case 'InstanceRetryRequested':
      return { ...state, phase: 'pending' }
    case 'InstanceStopped':
      return { ...state, phase: 'stopped' }
    default:
      return assertNever(type)
  }
}
