import { assertNever } from '../kernel/assert-never.ts'
import type { Decider, Recorded } from '../kernel/decider.ts'
import { alreadyExists, notFound } from '../kernel/declared.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { InstanceEvent } from './events.ts'
import type { Health } from './health.ts'
import { MIN_UPTIME_MS, retryDelayMs } from './retry.ts'

export interface Instance {
  readonly phase: 'none' | 'pending' | 'starting' | 'running' | 'error' | 'stopped'
  readonly server: string
  /** Attempts that failed since it last ran long enough. */
  readonly failures: number
  /** One of them was a program that ran and ended. */
  readonly crashed: boolean
  /** When the present run began. */
  readonly startedAt?: string
  /** Of the present run. */
  readonly health: Health
  /** Whether it has been healthy in this run. */
  readonly wasHealthy: boolean
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
  | {
      readonly type: 'ReportStartFailed'
      readonly instance: string
      readonly at: string
      readonly reason: string
      /** Its program ran, and ended before it could serve. */
      readonly exited?: boolean
    }
  | {
      readonly type: 'ReportExit'
      readonly instance: string
      readonly at: string
      readonly reason: string
      readonly code?: number
      readonly signal?: string
    }
  | {
      readonly type: 'ReportHealth'
      readonly instance: string
      readonly at: string
      /** The run that was probed, by its start: one that is over has no health. */
      readonly startedAt: string
      readonly health: Exclude<Health, 'unknown'>
      readonly reason?: string
    }
  | {
      readonly type: 'EndUnhealthy'
      readonly instance: string
      readonly at: string
      readonly startedAt: string
      readonly reason: string
    }
  | { readonly type: 'ReportInterrupted'; readonly instance: string; readonly at: string; readonly reason: string }
  | { readonly type: 'RequestRetry'; readonly instance: string; readonly at: string; readonly reason: string }
  | { readonly type: 'StopInstance'; readonly instance: string; readonly at: string; readonly reason: string }

const INITIAL: Instance = {
  phase: 'none',
  server: '',
  failures: 0,
  crashed: false,
  health: 'unknown',
  wasHealthy: false,
}

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
        const exited = command.exited === undefined ? {} : { exited: command.exited }
        const { reason } = command
        return [{ type: 'InstanceStartFailed', data: { server, reason, ...exited, attempt, at, nextRetryAt } }]
      }
      case 'ReportExit': {
        if (state.phase !== 'running') return []
        const { type: _type, instance: _instance, ...how } = command
        const next = afterRun(state, at, ranLongEnough(state, at))
        return [{ type: 'InstanceExited', data: { server, ...how, ...next } }]
      }
      case 'ReportHealth':
        return reportHealth(command, state)
      case 'EndUnhealthy': {
        if (state.phase !== 'running' || state.startedAt !== command.startedAt) return []
        const next = afterRun(state, at, state.wasHealthy && ranLongEnough(state, at))
        return [{ type: 'InstanceEndedUnhealthy', data: { server, reason: command.reason, at, ...next } }]
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

const ranLongEnough = ({ startedAt }: Instance, at: string): boolean =>
  Date.parse(at) - Date.parse(startedAt ?? at) >= MIN_UPTIME_MS

/** A run that was none counts as a failed attempt: the next one waits. */
const afterRun = (state: Instance, at: string, proved: boolean): { failures: number; nextRetryAt: string } => {
  if (proved) return { failures: 0, nextRetryAt: at }
  const failures = state.failures + 1
  return { failures, nextRetryAt: later(at, retryDelayMs(failures)) }
}

const reportHealth = (
  { health, reason, startedAt, at }: InstanceCommand & { type: 'ReportHealth' },
  state: Instance,
): readonly InstanceEvent[] => {
  if (state.phase !== 'running' || state.startedAt !== startedAt || state.health === health) return []
  // One that keeps ending soon after its start answers well in between: it has to outlive that first.
  if (health === 'healthy' && state.crashed && !ranLongEnough(state, at)) return []
  const why = reason === undefined ? {} : { reason }
  return [{ type: 'InstanceHealthChanged', data: { server: state.server, health, ...why, at } }]
}

const evolveInstance = (state: Instance, { type, data }: Recorded<InstanceEvent>): Instance => {
  switch (type) {
    case 'InstanceCreated':
      return { ...INITIAL, phase: 'pending', server: data.server }
    case 'InstanceStarting':
      return { ...state, phase: 'starting' }
    case 'InstanceStarted':
      return { ...state, phase: 'running', startedAt: data.at, health: 'unknown', wasHealthy: false }
    case 'InstanceStartFailed':
      return { ...state, phase: 'error', failures: data.attempt, crashed: state.crashed || data.exited === true }
    case 'InstanceExited':
      return { ...state, phase: 'error', failures: data.failures, crashed: data.failures > 0 }
    case 'InstanceEndedUnhealthy':
      return { ...state, phase: 'error', failures: data.failures, crashed: state.crashed && data.failures > 0 }
    case 'InstanceHealthChanged':
      return data.health === 'healthy'
        ? { ...state, health: 'healthy', wasHealthy: true, failures: 0, crashed: false }
        : { ...state, health: data.health }
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
