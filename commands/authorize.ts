import type { Principal } from '../domain/accesstoken/decide.ts'
import { coded } from '../domain/kernel/errors.ts'
import { ADMIN } from './access-tokens.ts'

/** What somebody wants to do. `admin` covers operations on mcpd itself: rebuild, rotation. */
export type Verb = 'view' | 'create' | 'edit' | 'delete' | 'run' | 'admin'

/** 403: the principal is known and may not do this. */
export const forbidden = coded(
  'forbidden',
  403,
  'The principal may not do this',
  (who: Principal, verb: Verb, what: string) => ({
    message: `${who.kind}:${who.name} may not ${verb} ${what}`,
    hint: 'Ask an administrator for the right',
  }),
)

/** What a principal may do, for `whoami`. */
export const rightsOf = ({ kind, name }: Principal): readonly string[] =>
  kind === ADMIN.kind && name === ADMIN.name ? ['*'] : []

/**
 * The one place where it is decided who may do what: asked before any handler. Denies by default; the bootstrap
 * administrator holds everything.
 * @throws Forbidden
 */
export const authorize = (who: Principal, verb: Verb, what: string): void => {
  if (!rightsOf(who).includes('*')) throw forbidden(who, verb, what)
}
