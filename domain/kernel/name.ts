import { z } from 'zod'

/** A resource's name: a DNS label, as in Kubernetes, so that it is safe in URLs, streams, files and MCP prefixes. */
export const resourceName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 lower-case letters, digits or dashes, beginning and ending with a letter or digit',
  )
  .describe('A DNS label: 1 to 63 lower-case letters, digits and dashes')

const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'must be a label key such as "team" or "example.com/team"',
  )
  // z.record assigns keys; this one would set a prototype instead of a label.
  .refine((key) => key !== '__proto__' && key !== 'constructor', 'is reserved')

/** Labels: keys and values as Kubernetes has them, at most 64. */
export const labels = z
  .record(
    labelKey,
    z
      .string()
      .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, 'must be up to 63 letters, digits, "-", "_" or "."'),
  )
  .refine((all) => Object.keys(all).length <= 64, 'at most 64 labels')

export type Labels = Readonly<Record<string, string>>

/** A resource by kind and name. */
export interface Ref {
  readonly kind: string
  readonly name: string
}

/** `kind/name`, the way people and references write a resource. */
export const showRef = (ref: Ref): string => `${ref.kind}/${ref.name}`

/** The inverse of `showRef`. */
export const parseRef = (text: string): Ref => {
  const slash = text.indexOf('/')
  return { kind: text.slice(0, slash), name: text.slice(slash + 1) }
}

/** The stream of a named resource: `server-github`. */
export const streamOf = (ref: Ref): string => `${ref.kind}-${ref.name}`
