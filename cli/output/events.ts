import { inOneLine } from '../../domain/instance/exit-reason.ts'
import { age } from '../../domain/kernel/columns.ts'
import { isObject } from '../../domain/kernel/json.ts'
import type { ApiEvent } from '../api/answers.ts'
import { aligned, cellsOf } from './table.ts'

/** Longest account of an event's data in a table. */
const MAX_DETAIL = 100

/** Events as a table, oldest first, as `describe` ends with; those of several resources with whose they are. */
export const eventLines = (events: readonly ApiEvent[], now: Date): readonly string[] => {
  const areSeveral = events.some(({ stream }) => stream !== events[0]?.stream)
  const headers = [areSeveral ? 'OF' : 'REVISION', 'AGE', 'TYPE', 'BY', 'DETAIL']
  const rows = [...events]
    .reverse()
    .map(({ stream, revision, at, type, actor, data }) =>
      cellsOf([
        areSeveral ? stream.replace('-', '/') : revision,
        age(at, now),
        type,
        actor === undefined ? '' : actorText(actor),
        detail(data, type.startsWith('Instance') ? OF_INSTANCES : HIDDEN),
      ]),
    )
  return aligned([headers, ...rows])
}

/** `User:ada`; mcpd itself is `System:…`. */
export const actorText = (actor: ApiEvent['actor'] | string): string =>
  actor === undefined ? '' : typeof actor === 'string' ? actor : `${actor.kind}:${actor.name}`

/** Members that the other columns say, or nobody wants to read. */
const HIDDEN: readonly string[] = ['uid', 'at']
const OF_INSTANCES: readonly string[] = [...HIDDEN, 'server', 'serverUid', 'specHash']

/** What an event says beyond its type: a reason if it has one, otherwise its short members. */
const detail = (data: ApiEvent['data'], hidden: readonly string[]): string => {
  if (!isObject(data)) return ''
  const members = Object.entries(data).filter(([key]) => !hidden.includes(key))
  const { reason, health } = data
  const text =
    typeof reason === 'string'
      ? `${typeof health === 'string' ? `${health}: ` : ''}${reason}`
      : members
          .filter(([, value]) => typeof value !== 'object')
          .map(([key, value]) => `${key}=${String(value)}`)
          .join(' ')
  const line = inOneLine(text)
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL - 1)}…` : line || '-'
}
