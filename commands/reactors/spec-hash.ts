import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** Members of a server's spec that a running copy does not depend on: changing them rolls nothing over. */
const NOT_OF_A_COPY = new Set(['replicas', 'description', 'healthCheck'])

/** Ten hex digits over what makes a running copy what it is; the order of keys does not matter. */
export const specHash = (spec: JsonObject): string => {
  const relevant = Object.fromEntries(Object.entries(spec).filter(([key]) => !NOT_OF_A_COPY.has(key)))
  return createHash('sha256')
    .update(canonicalize(relevant) ?? '')
    .digest('hex')
    .slice(0, 10)
}
