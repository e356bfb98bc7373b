import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import type { ClusterInfo, MemberInfo } from '@eventstore/db-client/generated/gossip_pb.js'
import gossip from '@eventstore/db-client/generated/gossip_pb.js'
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js'
import features from '@eventstore/db-client/generated/serverfeatures_pb.js'
import type { Empty } from '@eventstore/db-client/generated/shared_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { appendHandler, batchAppendHandler, deleteHandler, tombstoneHandler } from './wire-append.ts'
import { WireFaults } from './wire-faults.ts'
import { readHandler } from './wire-read.ts'
import { WireStore } from './wire-store.ts'

export interface WireServerOptions {
  /** Default: one that is free. */
  readonly port?: number
  /** Shared by the nodes of a cluster. Default: an empty one. */
  readonly store?: WireStore
  /** Largest append in bytes. Default: the real server's 1 MiB. */
  readonly maxAppendSize?: number
  /** PEM of a certificate and its key. Default: not encrypted. */
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer }
}

export interface WireServer {
  readonly connectionString: string
  readonly host: string
  readonly port: number
  readonly store: WireStore
  readonly faults: WireFaults
  /** The nodes that gossip knows. Default: this one alone. */
  gossipOf(nodes: readonly WireServer[]): void
  /** Ends every connection at once and stops listening, as after `kill -9`. */
  goAway(): void
  /** Listens again on the same port, as a new process on the same files. */
  comeBack(): Promise<void>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState

const memberOf = (node: WireServer): MemberInfo => {
  const endpoint = new gossip.EndPoint()
  endpoint.setAddress(node.host)
  endpoint.setPort(node.port)
  const member = new gossip.MemberInfo()
  member.setInstanceId(new shared.UUID().setString(crypto.randomUUID()))
  member.setTimeStamp('0')
  member.setState(node.faults.leads ? LEADER : FOLLOWER)
  member.setIsAlive(true)
  member.setHttpEndPoint(endpoint)
  return member
}

const supportedMethods = (): SupportedMethods => {
  const methods = ['read', 'append', 'delete', 'tombstone', 'batchappend'].map((name) => {
    const method = new features.SupportedMethod()
    method.setServiceName('event_store.client.streams.streams')
    method.setMethodName(name)
    return method
  })
  return new features.SupportedMethods().setMethodsList(methods).setEventStoreServerVersion('23.10.0')
}

/**
 * A small server that speaks EventStoreDB's protocol, so that the real client can be tested where no real server is.
 * It is as faithful as the adapter needs: streams, conflicts, repeated appends, retention, both deletions, reads,
 * subscriptions with filters, and the errors in the words of the real one. Nothing is kept on disk.
 */
export const startWireServer = async (options: WireServerOptions = {}): Promise<WireServer> => {
  const store = options.store ?? new WireStore()
  const faults = new WireFaults()
  const maxAppendSize = options.maxAppendSize ?? 1024 * 1024
  const { tls } = options
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: tls.certificate, private_key: tls.key }])
  let nodes: readonly WireServer[] = []

  const listen = async (port: number): Promise<{ server: Server; port: number }> => {
    const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 })
    server.addService(streamsGrpc.StreamsService, {
      read: readHandler(store, faults),
      append: appendHandler(store, faults, maxAppendSize),
      delete: deleteHandler(store, faults),
      tombstone: tombstoneHandler(store, faults),
      batchAppend: batchAppendHandler(store, faults, maxAppendSize),
    })
    server.addService(gossipGrpc.GossipService, {
      read: (_: ServerUnaryCall<Empty, ClusterInfo>, answer: sendUnaryData<ClusterInfo>) =>
        answer(null, new gossip.ClusterInfo().setMembersList(nodes.map(memberOf))),
    })
    server.addService(featuresGrpc.ServerFeaturesService, {
      getSupportedMethods: (_: ServerUnaryCall<Empty, SupportedMethods>, answer: sendUnaryData<SupportedMethods>) =>
        answer(null, supportedMethods()),
    })
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${HOST}:${port}`, credentials, (error, actual) =>
        error === null ? resolve(actual) : reject(error),
      )
    })
    return { server, port: bound }
  }

  let running: Server | undefined
  const first = await listen(options.port ?? 0)
  running = first.server
  const { port } = first
  const wire: WireServer = {
    connectionString: `esdb://${HOST}:${port}?tls=${tls !== undefined}`,
    host: HOST,
    port,
    store,
    faults,
    gossipOf(known) {
      nodes = known
    },
    goAway() {
      running?.forceShutdown()
      running = undefined
    },
    async comeBack() {
      store.forget()
      running = (await listen(port)).server
    },
    async stop() {
      wire.goAway()
    },
  }
  nodes = [wire]
  return wire
}
