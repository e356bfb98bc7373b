import { type Schema, schemaOf, typeText } from './create/schema.ts'
import { usageError } from './errors.ts'
import { toYaml } from './output/yaml.ts'
import { didYouMean } from './suggest.ts'
import { findKind } from './targets.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: { field: { describe: 'KIND, or KIND.field.field', required: true, complete: 'kind' } },
  options: { recursive: { type: 'boolean', describe: 'The fields of fields, too' } },
  examples: [
    ['$0 explain server', 'its fields, and a manifest that works'],
    ['$0 explain server.env --recursive', 'one field, and what is in it'],
  ],
  async run({ out, registry }, { field, recursive }) {
    const [word = '', ...path] = field.split('.')
    const kind = findKind(await registry(), word)
    const keys = path[0] === 'spec' ? path.slice(1) : path
    const schema = keys.reduce(inside, schemaOf(kind.spec))
    out.line(`KIND:     ${kind.kind} (${[kind.plural, ...kind.shortNames].join(', ')})`)
    if (keys.length === 0) out.line(`SUMMARY:  ${kind.summary}`)
    else out.line(`FIELD:    spec.${keys.join('.')} <${typeText(schema)}>`)
    if (schema.description !== undefined && keys.length > 0) out.line(`          ${schema.description}`)
    const lines = fieldLines(contentOf(schema), recursive, '  ')
    if (lines.length > 0) out.data(`\nFIELDS${keys.length === 0 ? ' of spec' : ''}:\n${lines.join('\n')}\n`)
    if (keys.length === 0 && kind.declarable) {
      const example = {
        apiVersion: 'mcpctl/v1',
        kind: kind.kind,
        metadata: { name: `my-${kind.kind}` },
        spec: kind.example,
      }
      out.data(`\nEXAMPLE:\n${toYaml(example).replace(/^(?=.)/gm, '  ')}`)
    }
    return undefined
  },
})

/** A list is explained by its entries. */
const contentOf = (schema: Schema): Schema =>
  schema.type === 'array' && schema.items !== undefined ? contentOf(schema.items) : schema

const inside = (schema: Schema, key: string): Schema => {
  const { properties = {}, additionalProperties } = contentOf(schema)
  const found = Object.hasOwn(properties, key)
    ? properties[key]
    : typeof additionalProperties === 'object'
      ? additionalProperties
      : undefined
  if (found !== undefined) return found
  const names = Object.keys(properties)
  throw usageError(
    `there is no field "${key}"`,
    didYouMean(key, names, names.length === 0 ? undefined : `Fields: ${names.join(', ')}`),
  )
}

const fieldLines = (
  { properties = {}, required = [] }: Schema,
  recursive: boolean,
  indent: string,
): readonly string[] =>
  Object.entries(properties).flatMap(([name, schema]) => {
    const marks = [
      required.includes(name) ? ' -required-' : '',
      schema.default === undefined ? '' : ` (default ${JSON.stringify(schema.default)})`,
    ].join('')
    const description = schema.description === undefined ? [] : [`${indent}    ${schema.description}`]
    const below = recursive ? fieldLines(contentOf(schema), true, `${indent}  `) : []
    return [`${indent}${name} <${typeText(schema)}>${marks}`, ...description, ...below]
  })
