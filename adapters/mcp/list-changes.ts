/** The lists that a server has, as their capabilities and notifications name them. */
export type ServerList = 'tools' | 'prompts' | 'resources'

/** Lists that a client should ask for again, told together and once each. */
export interface ListChanges {
  add(server: string, list: ServerList): void
  close(): void
}

/**
 * Gathers what changed in one turn of the event loop: when several instances stop at once, a session may move more than
 * once, and its client need not list anything more than once for that.
 *
 * @param tell called later, never from within `add`
 */
export const createListChanges = (tell: (server: string, list: ServerList) => void): ListChanges => {
  const due = new Map<string, Set<ServerList>>()
  let turn: NodeJS.Immediate | undefined

  const flush = () => {
    turn = undefined
    const told = [...due]
    due.clear()
    for (const [server, lists] of told) for (const list of lists) tell(server, list)
  }

  return {
    add(server, list) {
      const lists = due.get(server) ?? new Set()
      due.set(server, lists.add(list))
      turn ??= setImmediate(flush)
    },
    close() {
      clearImmediate(turn)
      due.clear()
    },
  }
}
