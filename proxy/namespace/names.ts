import { SERVER_SEPARATOR } from '../../domain/mcp/exposed-name.ts'
import type { Namespacing } from '../../domain/mcp/link.ts'
import { fitName, hashedName } from './fit.ts'

/** One tool or prompt of one server, before it has a name in the project. `wanted` is `own` unless it is renamed. */
export interface Offered {
  readonly server: string
  readonly own: string
  readonly wanted: string
}

/** One that lost its name to a server attached earlier and is not offered. */
interface Hidden {
  readonly name: string
  readonly server: string
  readonly by: string
}

/** Whose a name is, and what its server calls it. */
export interface Owner {
  readonly server: string
  readonly own: string
}

export interface NameTable {
  /** The owner of each name that clients see. */
  readonly owners: ReadonlyMap<string, Owner>
  /** What clients call a server's tool or prompt; undefined if it is hidden or not known. */
  nameOf(server: string, own: string): string | undefined
  readonly hidden: readonly Hidden[]
}

const identity = ({ server, own }: Owner): string => `${server}\u0000${own}`

/** What `always` calls a tool or prompt: it follows from its server and its own name alone. */
const prefixedName = (offered: Offered): string =>
  fitName(`${offered.server}${SERVER_SEPARATOR}${offered.wanted}`, identity(offered))

const plainName = (offered: Offered): string => fitName(offered.wanted, identity(offered))

/**
 * Gives every offered tool or prompt its name in the project.
 *
 * - `always`: `<server>__<name>`. - `auto`: the name itself, and `<server>__<name>` for those that two servers offer.
 * - `never`: the name itself; of two, the server attached first keeps it and the other is hidden.
 *
 * Names are unique, at most 64 characters of `A-Za-z0-9_-`, and the same each time for the same input. With `never` and one server, names
 * stay whatever they are: nothing stands between the client and that server.
 *
 * @param offered in the order in which the servers are attached, each server's in its own order
 * @param alone whether the project has only this one server
 */
export const exposeNames = (mode: Namespacing, offered: readonly Offered[], alone = false): NameTable => {
  const nameFor = alone && mode === 'never' ? (one: Offered) => one.wanted : chooser(mode, offered)
  const owners = new Map<string, Owner>()
  const names = new Map<string, string>()
  const hidden: Hidden[] = []
  for (const one of renamedLast(offered)) {
    if (names.has(identity(one))) continue // a server that lists the same name twice
    const name = nameFor(one)
    const taken = owners.get(name)
    if (taken !== undefined && taken.server !== one.server && mode === 'never') {
      hidden.push({ name, server: one.server, by: taken.server })
      continue
    }
    const free = taken === undefined ? name : freeName(name, one, owners)
    owners.set(free, { server: one.server, own: one.own })
    names.set(identity(one), free)
  }
  return { owners, hidden, nameOf: (server, own) => names.get(identity({ server, own })) }
}

const chooser = (mode: Namespacing, offered: readonly Offered[]): ((one: Offered) => string) => {
  if (mode === 'always') return prefixedName
  if (mode === 'never') return plainName
  const serversOf = new Map<string, Set<string>>()
  for (const { wanted, server } of offered) {
    const servers = serversOf.get(wanted)
    if (servers === undefined) serversOf.set(wanted, new Set([server]))
    else servers.add(server)
  }
  return (one) => ((serversOf.get(one.wanted)?.size ?? 0) > 1 ? prefixedName(one) : plainName(one))
}

/** Within each server, what has its own name before what was renamed to it: a rename never takes a name away. */
const renamedLast = (offered: readonly Offered[]): readonly Offered[] => {
  if (offered.every(({ own, wanted }) => own === wanted)) return offered
  const order = new Map<string, number>()
  for (const { server } of offered) if (!order.has(server)) order.set(server, order.size)
  const rank = (one: Offered) => 2 * (order.get(one.server) ?? 0) + (one.own === one.wanted ? 0 : 1)
  return [...offered].sort((a, b) => rank(a) - rank(b))
}

const freeName = (name: string, one: Offered, owners: ReadonlyMap<string, Owner>): string => {
  let free = hashedName(name, identity(one))
  for (let round = 1; owners.has(free); round++) free = hashedName(name, `${identity(one)}\u0000${round}`)
  return free
}
