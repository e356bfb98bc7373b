import { Document, visit } from 'yaml'
import type { Resource } from '../../domain/kernel/resource.ts'
import { isNeutral, neutralJson, neutralText } from './neutral.ts'

/**
 * YAML as people write it: no line is folded, no anchors. Ends with a newline. What `neutralText` writes as an escape is
 * put in double quotes, where it is read as one; so is `<<`, which would be read as a merge.
 */
export const toYaml = (value: unknown): string => {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && (scalar.value === '<<' || !isNeutral(scalar.value)))
        scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return neutralText(document.toString({ lineWidth: 0 }))
}

/** JSON of two spaces, with what a terminal would obey escaped that JSON leaves as it is. Ends with a newline. */
export const toJson = (value: unknown): string => `${neutralJson(JSON.stringify(value, null, 2))}\n`

/** A resource with its members in the order in which people read them. */
export const inOrder = ({ apiVersion, kind, metadata, spec, status }: Resource): Resource => ({
  apiVersion,
  kind,
  metadata,
  spec,
  ...(status === undefined ? {} : { status }),
})

/** What `-o yaml` and `-o json` print of several resources; `apply` reads it. */
export const listOf = (items: readonly Resource[]) => ({
  apiVersion: 'mcpctl/v1',
  kind: 'List',
  items: items.map(inOrder),
})
