import { z } from 'zod'
import { resourceName } from '../kernel/name.ts'
import { secretKeyName } from '../secret/resource.ts'

/** Where a value comes from that is not written down in a spec: one key of a secret. */
export const secretSource = z.strictObject({
  secretRef: z.strictObject({ name: resourceName, key: secretKeyName }),
})
