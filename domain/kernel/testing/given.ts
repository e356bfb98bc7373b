import { expect } from 'vitest'
import type { Decider, Recorded } from '../decider.ts'
import { CodedError } from '../errors.ts'
import type { DomainEvent } from '../event.ts'

/** Puts events into the form folds are given: on one stream, a second apart. */
export const record = <Event extends DomainEvent>(
  events: readonly Event[],
  stream = 'test-1',
  after = 0,
): Recorded<Event>[] =>
  events.map((event, i) => ({
    ...event,
    eventId: `00000000-0000-8000-8000-${String(after + i).padStart(12, '0')}`,
    stream,
    revision: BigInt(after + i),
    position: BigInt(after + i),
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, after + i)).toISOString(),
    actor: { kind: 'User', name: 'ada' },
  }))

/**
 * The three steps of a decider's test.
 *
 * @example
 * given(instance, created).when(begin('2026-01-01T00:00:00Z')).then(starting)
 * given(instance, created, stopped).when(begin(now)).thenNothing()
 * given(instance).when(begin(now)).rejects('not-found')
 */
export const given = <State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  ...history: readonly Event[]
) => {
  const state = record(history).reduce<State>((all, event) => decider.evolve(all, event), decider.initial)
  return {
    state,
    and: (...more: readonly Event[]) => given(decider, ...history, ...more),
    when: (command: Command) => ({
      then: (...events: readonly Event[]) => expect(decider.decide(command, state)).toEqual(events),
      thenNothing: () => expect(decider.decide(command, state)).toEqual([]),
      rejects(code: string): CodedError {
        try {
          decider.decide(command, state)
        } catch (error) {
          if (!(error instanceof CodedError)) throw error
          expect(error.code).toBe(code)
          return error
        }
        return expect.fail(`${JSON.stringify(command)} was not refused with ${code}`)
      },
      /** The events, for the next `and`. */
      events: (): readonly Event[] => decider.decide(command, state),
    }),
  }
}
