import type { KindDefinition } from '../../domain/kernel/kind.ts'

/** Where something stands in a manifest; line and column begin at 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export const showPlace = ({ file, line, column }: Place): string => `${file}:${line}:${column}`

/** A resource as a manifest declares it, before its spec was looked at. */
export interface Declared {
  readonly kind: KindDefinition
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: unknown
  readonly place: Place
  /** Where a field of the resource stands: `spec.env.0.name`; the nearest thing around it if it is missing. */
  placeOf(path: string): Place
}

/** One thing that is wrong with the manifests. */
export interface Flaw {
  readonly place: Place
  /** The resource it is about, once that is known. */
  readonly about?: string
  /** Dotted path of the field, '' for the whole document. */
  readonly path: string
  readonly message: string
}

export const showFlaw = ({ place, about, path, message }: Flaw): string =>
  [showPlace(place), about, path, message].filter((part) => part !== undefined && part !== '').join(': ')
