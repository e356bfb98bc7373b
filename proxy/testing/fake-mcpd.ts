import { CodedError } from '../../domain/kernel/errors.ts'
import type {
  DescribeServers,
  Link,
  LinkClosed,
  LinkDialer,
  LinkedProject,
  LinkFrame,
  Namespacing,
  RpcMessage,
} from '../../domain/mcp/link.ts'
import type { FakeServer } from './fake-server.ts'
import { linkPair } from './link-pair.ts'

export interface FakeProject {
  readonly servers: readonly FakeServer[]
  readonly namespacing?: Namespacing
  readonly describeServers?: DescribeServers
  readonly instructions?: string
}

/** The bearer that a fake mcpd lets in. */
export const BEARER = 'secret-token'

/** mcpd's end of all links, in memory: projects with scripted servers. */
export class FakeMcpd implements LinkDialer {
  readonly #projects = new Map<string, FakeProject>()
  readonly #links = new Map<Link, { project: string; leave: () => void }>()
  /** Bearers let in. */
  readonly bearers = new Set([BEARER])
  /** Set to make mcpd unreachable. */
  down: Error | undefined
  dials = 0

  /** Declares a project, or changes it: links that are open hear of it. */
  project(name: string, project: FakeProject): this {
    this.#projects.set(name, project)
    for (const [link, { project: of }] of this.#links) if (of === name) this.#tell(link, name)
    return this
  }

  /** Tells links that are open what the project is now, after a change of a server's state. */
  update(name: string): void {
    for (const [link, { project }] of this.#links) if (project === name) this.#tell(link, name)
  }

  /** Links that are open. */
  get links(): number {
    return this.#links.size
  }

  /** Ends all links. */
  breakLinks(closed: LinkClosed = { code: 'lost', reason: 'mcpd went away' }): void {
    for (const link of [...this.#links.keys()]) link.close(closed)
  }

  /** Sends a frame over all links, as it is. */
  inject(frame: LinkFrame): void {
    for (const link of this.#links.keys()) link.send(frame)
  }

  async dial(name: string, bearer: string): Promise<Link> {
    this.dials++
    if (this.down !== undefined) throw this.down
    if (!this.bearers.has(bearer)) throw new CodedError('unauthenticated', 401, 'the token is not valid')
    const project = this.#projects.get(name)
    if (project === undefined) throw new CodedError('not-found', 404, `project/${name} does not exist`)
    const [ours, theirs] = linkPair()
    this.#serve(ours, name)
    return theirs
  }

  #serve(link: Link, name: string): void {
    const sends = new Map<FakeServer, (message: RpcMessage) => void>()
    const servers = () => this.#projects.get(name)?.servers ?? []
    const join = (server: FakeServer) => {
      const send = (message: RpcMessage) => link.send({ type: 'message', server: server.name, message })
      sends.set(server, send)
      server.connect(send)
      return send
    }
    for (const server of servers()) join(server)
    const leave = () => {
      for (const [server, send] of sends) server.disconnect(send)
    }
    this.#links.set(link, { project: name, leave })
    link.onClose(() => {
      this.#links.delete(link)
      leave()
    })
    link.onFrame((frame) => {
      if (frame.type !== 'message') return
      const server = servers().find((one) => one.name === frame.server)
      if (server !== undefined) server.take(frame.message, sends.get(server) ?? join(server))
    })
    this.#tell(link, name)
  }

  #tell(link: Link, name: string): void {
    const project = this.#projects.get(name)
    if (project === undefined) return
    const told: LinkedProject = {
      name,
      namespacing: project.namespacing ?? 'always',
      servers: project.servers.map((server) => server.linked),
      ...(project.describeServers === undefined ? {} : { describeServers: project.describeServers }),
      ...(project.instructions === undefined ? {} : { instructions: project.instructions }),
    }
    link.send({ type: 'project', project: told })
  }
}
