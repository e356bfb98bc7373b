import { createRequire } from 'node:module'
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type { Status } from '@eventstore/db-client/generated/status_pb.js'
import statusPb from '@eventstore/db-client/generated/status_pb.js'
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServiceError,
  sendUnaryData,
} from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { Message } from 'google-protobuf'
import type { Any as AnyMessage } from 'google-protobuf/google/protobuf/any_pb.js'
import type { Empty as EmptyMessage } from 'google-protobuf/google/protobuf/empty_pb.js'
import type { WireFaults } from './wire-faults.ts'
import {
  expectedOf,
  identifierOf,
  missingProperty,
  proposedOf,
  streamDeleted,
  streamName,
  tooLarge,
  uuidText,
  wrongVersion,
} from './wire-messages.ts'
import type { AppendOutcome, Expected, ProposedEvent, WireStore } from './wire-store.ts'

/** The protobuf library of the client itself: messages of another version of it do not fit into its own. */
const ofClient = createRequire(createRequire(import.meta.url).resolve('@eventstore/db-client'))
const { Any }: { Any: typeof AnyMessage } = ofClient('google-protobuf/google/protobuf/any_pb.js')
const { Empty }: { Empty: typeof EmptyMessage } = ofClient('google-protobuf/google/protobuf/empty_pb.js')

/** As the server counts one event: its type, its data and its metadata. */
const sizeOf = ({ type, data, metadata }: ProposedEvent): number => type.length * 2 + data.length + metadata.length

const success = (outcome: Extract<AppendOutcome, { outcome: 'success' }>): AppendResp => {
  const answer = new streams.AppendResp.Success()
  if (outcome.revision === undefined) answer.setNoStream(new shared.Empty())
  else answer.setCurrentRevision(outcome.revision.toString())
  if (outcome.position === undefined) answer.setNoPosition(new shared.Empty())
  else {
    const position = new streams.AppendResp.Position()
    position.setCommitPosition(outcome.position.toString())
    position.setPreparePosition(outcome.position.toString())
    answer.setPosition(position)
  }
  return new streams.AppendResp().setSuccess(answer)
}

/** A conflict is no error of the call: it is an answer. */
const conflict = (expected: Expected, actual: bigint | undefined): AppendResp => {
  const answer = new streams.AppendResp.WrongExpectedVersion()
  if (actual === undefined) answer.setCurrentNoStream(new shared.Empty())
  else answer.setCurrentRevision(actual.toString())
  if (typeof expected === 'bigint') answer.setExpectedRevision(expected.toString())
  else if (expected === 'no_stream') answer.setExpectedNoStream(new shared.Empty())
  else if (expected === 'any') answer.setExpectedAny(new shared.Empty())
  else answer.setExpectedStreamExists(new shared.Empty())
  return new streams.AppendResp().setWrongExpectedVersion(answer)
}

const refusalOf = (events: readonly ProposedEvent[], maxAppendSize: number): ServiceError | undefined => {
  if (events.some(({ type }) => type === '')) return missingProperty()
  return events.reduce((sum, event) => sum + sizeOf(event), 0) > maxAppendSize ? tooLarge(maxAppendSize) : undefined
}

export const appendHandler =
  (store: WireStore, faults: WireFaults, maxAppendSize: number) =>
  (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): void => {
    let stream = ''
    let expected: Expected = 'any'
    const events: ProposedEvent[] = []
    call.on('error', () => undefined)
    call.on('data', (request: AppendReq) => {
      const options = request.getOptions()
      const message = request.getProposedMessage()
      if (options !== undefined) {
        stream = streamName(options.getStreamIdentifier())
        expected = expectedOf(options, () => options.getRevision())
      } else if (message !== undefined) events.push(proposedOf(message))
    })
    call.on('end', () => {
      faults.seen('append', call, stream)
      const refusal = refusalOf(events, maxAppendSize)
      if (refusal !== undefined) answer(refusal)
      else
        faults.around('append', call, answer, () => {
          const outcome = store.append(stream, events, expected)
          if (outcome.outcome === 'tombstoned') return { error: streamDeleted(stream) }
          return { value: outcome.outcome === 'success' ? success(outcome) : conflict(expected, outcome.actual) }
        })
    })
  }

const packed = (message: Message, type: string): Status => {
  const details = new Any()
  details.pack(message.serializeBinary(), type)
  return new statusPb.Status().setDetails(details)
}

/** Errors of a batch carry their facts in `details`, and no message. */
const batchError = (
  outcome: Exclude<AppendOutcome, { outcome: 'success' }>,
  stream: string,
  expected: Expected,
): Status => {
  if (outcome.outcome === 'tombstoned') {
    const deleted = new shared.StreamDeleted()
    deleted.setStreamIdentifier(identifierOf(stream))
    return packed(deleted, 'event_store.client.StreamDeleted')
  }
  const wrong = new shared.WrongExpectedVersion()
  if (outcome.actual === undefined) wrong.setCurrentNoStream(new Empty())
  else wrong.setCurrentStreamRevision(outcome.actual.toString())
  if (typeof expected === 'bigint') wrong.setExpectedStreamPosition(expected.toString())
  else if (expected === 'no_stream') wrong.setExpectedNoStream(new Empty())
  else wrong.setExpectedAny(new Empty())
  return packed(wrong, 'event_store.client.WrongExpectedVersion')
}

const batchAnswer = (id: UUID | undefined, stream: string): BatchAppendResp => {
  const answer = new streams.BatchAppendResp()
  answer.setCorrelationId(id)
  return answer.setStreamIdentifier(identifierOf(stream))
}

const batchSuccess = (outcome: Extract<AppendOutcome, { outcome: 'success' }>): BatchAppendResp.Success => {
  const done = new streams.BatchAppendResp.Success()
  if (outcome.revision === undefined) done.setNoStream(new Empty())
  else done.setCurrentRevision(outcome.revision.toString())
  if (outcome.position === undefined) return done.setNoPosition(new Empty())
  const position = new shared.AllStreamPosition()
  position.setCommitPosition(outcome.position.toString())
  return done.setPosition(position.setPreparePosition(outcome.position.toString()))
}

const batchTooLarge = (limit: number): Status =>
  packed(new shared.MaximumAppendSizeExceeded().setMaxappendsize(limit), 'event_store.client.MaximumAppendSizeExceeded')

const batchRefused = (): Status => packed(new shared.AccessDenied(), 'event_store.client.AccessDenied')

interface PendingBatch {
  readonly id: UUID | undefined
  readonly stream: string
  readonly expected: Expected
  readonly events: ProposedEvent[]
}

/** Many appends over one stream, each in one or more parts, answered by their ids in any order. */
export const batchAppendHandler =
  (store: WireStore, faults: WireFaults, maxAppendSize: number) =>
  (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const pending = new Map<string, PendingBatch>()
    const finish = ({ id, stream, expected, events }: PendingBatch): void => {
      const answer = batchAnswer(id, stream)
      const reply: sendUnaryData<BatchAppendResp> = (error, value) => {
        if (error === null) call.write(value ?? answer)
        else if (error.code === status.PERMISSION_DENIED) call.write(answer.setError(batchRefused()))
        else call.emit('error', error instanceof Error ? error : new Error(error.details))
      }
      faults.around('append', call, reply, () => {
        if (events.reduce((sum, event) => sum + sizeOf(event), 0) > maxAppendSize) {
          return { value: answer.setError(batchTooLarge(maxAppendSize)) }
        }
        const outcome = store.append(stream, events, expected)
        if (outcome.outcome === 'success') return { value: answer.setSuccess(batchSuccess(outcome)) }
        return { value: answer.setError(batchError(outcome, stream, expected)) }
      })
    }
    call.on('error', () => undefined)
    call.on('end', () => call.end())
    call.on('data', (request: BatchAppendReq) => {
      const id = request.getCorrelationId()
      const key = uuidText(id)
      const options = request.getOptions()
      if (options !== undefined) {
        const stream = streamName(options.getStreamIdentifier())
        pending.set(key, { id, stream, expected: expectedOf(options, () => options.getStreamPosition()), events: [] })
      }
      const batch = pending.get(key)
      if (batch === undefined) return
      batch.events.push(...request.getProposedMessagesList().map(proposedOf))
      if (!request.getIsFinal()) return
      pending.delete(key)
      faults.seen('append', call, batch.stream)
      finish(batch)
    })
  }

export const deleteHandler =
  (store: WireStore, faults: WireFaults) =>
  (call: ServerUnaryCall<DeleteReq, DeleteResp>, answer: sendUnaryData<DeleteResp>): void => {
    const options = call.request.getOptions()
    const stream = streamName(options?.getStreamIdentifier())
    const expected = expectedOf(options, () => options?.getRevision() ?? '0')
    faults.seen('delete', call, stream)
    faults.around('delete', call, answer, () => {
      const outcome = store.softDelete(stream, expected)
      if (outcome.outcome === 'tombstoned') return { error: streamDeleted(stream) }
      if (outcome.outcome === 'conflict') return { error: wrongVersion(stream, expected, outcome.actual) }
      return { value: new streams.DeleteResp().setNoPosition(new shared.Empty()) }
    })
  }

export const tombstoneHandler =
  (store: WireStore, faults: WireFaults) =>
  (call: ServerUnaryCall<TombstoneReq, TombstoneResp>, answer: sendUnaryData<TombstoneResp>): void => {
    const options = call.request.getOptions()
    const stream = streamName(options?.getStreamIdentifier())
    const expected = expectedOf(options, () => options?.getRevision() ?? '0')
    faults.seen('tombstone', call, stream)
    faults.around('tombstone', call, answer, () => {
      const outcome = store.tombstone(stream, expected)
      if (outcome.outcome === 'tombstoned') return { error: streamDeleted(stream) }
      if (outcome.outcome === 'conflict') return { error: wrongVersion(stream, expected, outcome.actual) }
      return { value: new streams.TombstoneResp().setNoPosition(new shared.Empty()) }
    })
  }
