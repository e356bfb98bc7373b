import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { ResourceRow } from '../../domain/kernel/resource.ts'

/** Members of a server's spec that a running copy does not depend on: changing them rolls nothing over. */
const NOT_OF_A_COPY = new Set(['replicas', 'description', 'healthCheck'])

/**
 * Ten hex digits over what makes a running copy what it is: its server's spec, and the last restart that was asked for.
 * The order of keys does not matter.
 */
export const specHash = ({ spec, status: { restartedAt } }: Pick<ResourceRow, 'spec' | 'status'>): string => {
  const ofACopy = Object.fromEntries(Object.entries(spec).filter(([key]) => !NOT_OF_A_COPY.has(key)))
  const relevant = restartedAt === undefined ? ofACopy : { spec: ofACopy, restartedAt }
  return createHash('sha256')
    .update(canonicalize(relevant) ?? '')
    .digest('hex')
    .slice(0, 10)
}
