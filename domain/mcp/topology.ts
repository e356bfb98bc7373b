import type { DescribeServers, Namespacing, ServerSessions, ToolRules } from './link.ts'

/** One server of a project, as mcpd's read models know it. */
export interface TopologyServer {
  readonly name: string
  readonly tools?: ToolRules
  /** Left out: shared. */
  readonly sessions?: ServerSessions
  /** Why no instance runs, for people: its state and last error. Absent while one does; the host knows first which. */
  readonly reason?: string
}

/** What the router must know of a project. Servers stand in the order in which they are attached. */
export interface TopologyProject {
  readonly name: string
  readonly instructions?: string
  readonly namespacing: Namespacing
  /** Left out: auto. */
  readonly describeServers?: DescribeServers
  readonly servers: readonly TopologyServer[]
}

/** Which servers a project has, and why those do not run that do not, and every change of that. */
export interface Topology {
  /**
   * Calls `listener` with the project as it is, at once or soon, and again whenever anything of it may have changed.
   * Undefined: the project does not exist (any more); nothing comes after that.
   * @returns ends it; no call comes afterwards
   */
  subscribe(project: string, listener: (project: TopologyProject | undefined) => void): () => void
}
