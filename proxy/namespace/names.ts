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
export interface Hidden {
  readonly name: string
  readonly server: string
  readonly own: string
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
  /** The owner of each name that works, though clients see another: `<server>__<name>` where the name alone is shown. */
  readonly aliases: ReadonlyMap<string, Owner>
  /** What clients call a server's tool or prompt; undefined if it is hidden or not known. */
  nameOf(server: string, own: string): string | undefined
  readonly hidden: readonly Hidden[]
}

const identity = ({ server, own }: Owner): string => `${server}\u0000${own}`

/** A name with its server before it. */
export const withServer = (server: string, name: string): string => `${server}${SERVER_SEPARATOR}${name}`

/** What `always` calls a tool or prompt: it follows from its server and its own name alone. */
const prefixedName = (offered: Offered): string =>
  fitName(withServer(offered.server, offered.wanted), identity(offered))

const plainName = (offered: Offered): string => fitName(offered.wanted, identity(offered))

/**
 * Gives every offered tool or prompt its name in the project.
 *
 * - `always`: `<server>__<name>`.
 * - `auto`: the name itself, and `<server>__<name>` for those that two servers offer, or that begin like that for some attached server:
 *   what begins with a server is that server's, whichever lists are known.
 * - `never`: the name itself; of two, the server attached first keeps it and the other is hidden.
 *
 * Names are unique, at most 64 characters of `A-Za-z0-9_-`, and depend on nothing but what is offered and the order of the servers: not
 * on the order in which lists came, nor on that within a list. Where two want the same, one that has it by itself comes before one that
 * is renamed to it, and that before one whose name was shortened. With `never` and one server, names stay whatever they are: nothing
 * stands between the client and that server.
 *
 * @param servers all that are attached, in their order, those that offer nothing at the moment included
 */
export const exposeNames = (mode: Namespacing, offered: readonly Offered[], servers: readonly string[]): NameTable => {
  const chosen = inOrder(mode, choose(mode, offered, servers), servers)
  const owners = new Map<string, Owner>()
  const names = new Map<string, string>()
  const hidden: Hidden[] = []
  for (const { one, name } of chosen) {
    const { server, own } = one
    if (names.has(identity(one))) continue // a server that lists the same name twice
    const taken = owners.get(name)
    if (taken !== undefined && taken.server !== server && mode === 'never') {
      hidden.push({ name, server, own, by: taken.server })
      continue
    }
    const free = taken === undefined ? name : freeName(name, one, owners)
    owners.set(free, { server, own })
    names.set(identity(one), free)
  }
  return {
    owners,
    aliases: mode === 'auto' ? aliasesOf(chosen, owners) : new Map(),
    hidden,
    nameOf: (server, own) => names.get(identity({ server, own })),
  }
}

/** One with the name that it has if nobody else has it. */
interface Chosen {
  readonly one: Offered
  readonly name: string
}

const choose = (mode: Namespacing, offered: readonly Offered[], servers: readonly string[]): readonly Chosen[] => {
  const nameFor = chooser(mode, offered, servers)
  return offered.map((one) => ({ one, name: nameFor(one) }))
}

const chooser = (
  mode: Namespacing,
  offered: readonly Offered[],
  servers: readonly string[],
): ((one: Offered) => string) => {
  if (mode === 'always') return prefixedName
  if (mode === 'never') return servers.length === 1 ? ({ wanted }) => wanted : plainName
  const serversOf = new Map<string, Set<string>>()
  for (const { wanted, server } of offered) {
    const wanting = serversOf.get(wanted)
    if (wanting === undefined) serversOf.set(wanted, new Set([server]))
    else wanting.add(server)
  }
  const attached = new Set(servers)
  return (one) => {
    const plain = plainName(one)
    const collides = (serversOf.get(one.wanted)?.size ?? 0) > 1
    return collides || attached.has(serverIn(plain) ?? '') ? prefixedName(one) : plain
  }
}

/** The server that a name begins with, if it is one with its server before it. */
export const serverIn = (name: string): string | undefined => {
  const at = name.indexOf(SERVER_SEPARATOR)
  return at < 0 ? undefined : name.slice(0, at)
}

/** Who comes first keeps a name that several want. With `never`, that is the server attached first, whatever became of its names. */
const inOrder = (mode: Namespacing, chosen: readonly Chosen[], servers: readonly string[]): readonly Chosen[] => {
  const places = new Map(servers.map((server, i) => [server, i]))
  const ranked = chosen.map((each) => {
    const place = places.get(each.one.server) ?? servers.length
    const change = isShortened(each) ? 2 : Number(each.one.own !== each.one.wanted)
    return { ...each, ranks: mode === 'never' ? [place, change] : [change, place] }
  })
  return ranked.sort((a, b) => {
    for (const [i, rank] of a.ranks.entries()) if (rank !== b.ranks[i]) return rank - (b.ranks[i] ?? 0)
    return a.one.own < b.one.own ? -1 : Number(a.one.own > b.one.own)
  })
}

/** Whether a name is not the wanted one, with or without its server before it. */
const isShortened = ({ one, name }: Chosen): boolean =>
  name !== one.wanted && name !== withServer(one.server, one.wanted)

const freeName = (name: string, one: Offered, owners: ReadonlyMap<string, Owner>): string => {
  let free = hashedName(name, identity(one))
  for (let round = 1; owners.has(free); round++) free = hashedName(name, `${identity(one)}\u0000${round}`)
  return free
}

/** So that a name with its server works before and after another server brings a collision. */
const aliasesOf = (chosen: readonly Chosen[], owners: ReadonlyMap<string, Owner>): ReadonlyMap<string, Owner> => {
  const aliases = new Map<string, Owner>()
  for (const { one } of chosen) {
    const alias = prefixedName(one)
    if (!owners.has(alias) && !aliases.has(alias)) aliases.set(alias, { server: one.server, own: one.own })
  }
  return aliases
}
