/** Who subscribed to which resource of a server, so that one session's leaving does not end another's updates. */
export interface Subscriptions<Session> {
  add(uri: string, session: Session): void
  /** @returns whether nobody is left who wants this resource; false when the session had not subscribed to it. */
  remove(uri: string, session: Session): boolean
  has(uri: string): boolean
  /** How many resources somebody is subscribed to. */
  readonly size: number
  /** Sessions subscribed to the resource, or to one that it is a part of. */
  subscribers(uri: string): ReadonlySet<Session>
}

const NOBODY: ReadonlySet<never> = new Set()

export const createSubscriptions = <Session>(): Subscriptions<Session> => {
  const byUri = new Map<string, Set<Session>>()
  return {
    add(uri, session) {
      const sessions = byUri.get(uri)
      if (sessions === undefined) byUri.set(uri, new Set([session]))
      else sessions.add(session)
    },
    remove(uri, session) {
      const sessions = byUri.get(uri)
      if (sessions?.delete(session) !== true || sessions.size > 0) return false
      return byUri.delete(uri)
    },
    has: (uri) => byUri.has(uri),
    get size() {
      return byUri.size
    },
    subscribers(uri) {
      const exact = byUri.get(uri)
      if (exact !== undefined && byUri.size === 1) return exact
      // MCP lets a server name a part of what was subscribed to: `file:///notes/today` for `file:///notes`.
      let all: Set<Session> | undefined
      for (const [each, sessions] of byUri) {
        if (each === uri || !isPartOf(uri, each)) continue
        all ??= new Set(exact)
        for (const session of sessions) all.add(session)
      }
      return all ?? exact ?? NOBODY
    },
  }
}

const isPartOf = (uri: string, whole: string): boolean =>
  uri.startsWith(whole) && (whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length)))
