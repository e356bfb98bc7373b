import type { JsonObject } from '../../domain/kernel/json.ts'
import type { CliError } from '../errors.ts'
import type { Declared } from './document.ts'
import { parsedSpec } from './validate.ts'

/** Whether mcpd has looked at it and said no; anything else says nothing about the resource. */
export const isRefusal = ({ status = 0 }: CliError): boolean => status >= 400 && status < 500

/**
 * Whether a resource refers to others of the same manifests. If those do not exist yet, mcpd refuses to try it out (a dry run creates
 * nothing), though applying all of them in order would work.
 */
export const refersToAny = (resource: Declared, all: readonly Declared[]): boolean =>
  resource.kind
    .references(parsedSpec(resource) as JsonObject)
    .some((ref) => all.some((each) => each.kind.kind === ref.kind && each.name === ref.name))
