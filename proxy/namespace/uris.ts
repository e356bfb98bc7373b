import { literalLength, matchesTemplate } from './uri-template.ts'

/** A resource or a template of one server. */
export interface OwnedUri {
  readonly server: string
  readonly own: string
}

export interface UriTable {
  /** The owner of each URI that clients see. */
  readonly owners: ReadonlyMap<string, OwnedUri>
  /** What clients call it; undefined if it is not known. */
  uriOf(server: string, own: string): string | undefined
}

const key = (server: string, own: string): string => `${server}\u0000${own}`

/** `<server>+<uri>`: what the URI is called where a server attached earlier has the same. Still a URI: `+` may stand in a scheme. */
export const prefixedUri = (server: string, uri: string): string => `${server}+${uri}`

/** URIs (or templates) untouched where they are unique; of two servers with the same one, the later's is `<server>+<uri>`. */
export const exposeUris = (offered: readonly OwnedUri[]): UriTable => {
  const owners = new Map<string, OwnedUri>()
  const uris = new Map<string, string>()
  for (const { server, own } of offered) {
    if (uris.has(key(server, own))) continue
    let uri = own
    while (owners.has(uri)) uri = prefixedUri(server, uri)
    owners.set(uri, { server, own })
    uris.set(key(server, own), uri)
  }
  return { owners, uriOf: (server, own) => uris.get(key(server, own)) }
}

/**
 * Whose a URI is that a client asks for: known from the lists, from a template that it matches (the one with most literal text), or by its
 * `<server>+` prefix. Undefined: nobody that we know of.
 */
export const ownerOfUri = (
  uri: string,
  resources: UriTable,
  templates: UriTable,
  servers: readonly string[],
): OwnedUri | undefined => resources.owners.get(uri) ?? byTemplate(uri, templates) ?? byPrefix(uri, servers)

const byTemplate = (uri: string, templates: UriTable): OwnedUri | undefined => {
  let best: { exposed: string; owner: OwnedUri } | undefined
  for (const [exposed, owner] of templates.owners) {
    if (best !== undefined && literalLength(exposed) <= literalLength(best.exposed)) continue
    if (matchesTemplate(exposed, uri)) best = { exposed, owner }
  }
  if (best === undefined) return undefined
  const { exposed, owner } = best
  const prefix = exposed.length - owner.own.length // templates are only ever prefixed
  return { server: owner.server, own: uri.slice(prefix) }
}

const byPrefix = (uri: string, servers: readonly string[]): OwnedUri | undefined => {
  const plus = uri.indexOf('+')
  const server = uri.slice(0, Math.max(plus, 0))
  return servers.includes(server) ? { server, own: uri.slice(plus + 1) } : undefined
}
