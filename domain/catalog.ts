import { accessTokenIssued, accessTokenRevoked, adminBootstrapped } from './accesstoken/decide.ts'
import { createCatalog } from './kernel/catalog.ts'
import { referenceReleased, referenceTaken } from './kernel/declared.ts'
import type { Catalog, EventType } from './kernel/event-type.ts'
import type { KindDefinition } from './kernel/kind.ts'
import { leaseReleased, leaseRenewed, leaseTaken } from './lease/lease.ts'
import { kinds } from './registry.ts'
import { masterKeyRotated } from './secret/master-key.ts'
import { secretKeyDelisted, secretKeyListed, secretKeyWrapped } from './secret/wrapped-key.ts'
import { defaultSecretBackendChosen } from './secretbackend/defaults.ts'
import { templateFileReported } from './template/files.ts'

/** Events that stand on streams of their own, outside any kind's. */
const others: readonly EventType[] = [
  accessTokenIssued,
  accessTokenRevoked,
  adminBootstrapped,
  defaultSecretBackendChosen,
  leaseTaken,
  leaseRenewed,
  leaseReleased,
  masterKeyRotated,
  secretKeyWrapped,
  secretKeyListed,
  secretKeyDelisted,
  templateFileReported,
]

/** Every event type of these kinds, and those that belong to no kind. */
export const catalogOf = (all: readonly KindDefinition[]): Catalog => {
  const declared = all.filter((each) => each.eventPrefix !== undefined).map((each) => each.kind)
  return createCatalog([
    ...all.flatMap((each) => each.events),
    { ...referenceTaken, categories: declared },
    { ...referenceReleased, categories: declared },
    ...others,
  ])
}

/** Every event there is, by type, with its versions. */
export const catalog: Catalog = catalogOf(kinds)
