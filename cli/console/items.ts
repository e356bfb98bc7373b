import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { type Field, fieldsOf, promptFields } from './form.ts'
import type { ListState } from './project-session.ts'

/** One thing that a project offers, as a list shows it. */
export interface Item {
  readonly name: string
  readonly description: string
  /** Short words after the name: `read-only`, `template`. */
  readonly tags: readonly string[]
  readonly definition: JsonObject
}

/** What can be asked of a project by hand. */
export interface Action {
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  /** What the button says. */
  readonly verb: string
  readonly fields: readonly Field[]
  readonly method: string
  params(values: JsonObject): JsonObject
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const hints = (definition: JsonObject): JsonObject => (isObject(definition.annotations) ? definition.annotations : {})

/** Whether the server says that a tool changes nothing. Only a word of the server: what asks first, asks where it is missing. */
export const isReadOnly = (definition: JsonObject): boolean => hints(definition).readOnlyHint === true

const toolTags = (definition: JsonObject): readonly string[] => {
  if (isReadOnly(definition)) return ['read-only']
  return hints(definition).destructiveHint === true ? ['destructive'] : []
}

const listed = (list: ListState): readonly JsonObject[] => (list.state === 'ready' ? list.items : [])

const item = (name: unknown, definition: JsonObject, tags: readonly string[] = []): Item => ({
  name: textOf(name),
  description: textOf(definition.description) || textOf(definition.title),
  tags,
  definition,
})

export const toolItems = (list: ListState): readonly Item[] =>
  listed(list).map((tool) => item(tool.name, tool, toolTags(tool)))

export const promptItems = (list: ListState): readonly Item[] => listed(list).map((prompt) => item(prompt.name, prompt))

export const resourceItems = (resources: ListState, templates: ListState): readonly Item[] => [
  ...listed(resources).map((resource) => item(resource.uri, resource)),
  ...listed(templates).map((template) => item(template.uriTemplate, template, ['template'])),
]

export const toolAction = ({ name, description, tags, definition }: Item): Action => ({
  title: name,
  description,
  tags,
  verb: 'Call',
  fields: fieldsOf(definition.inputSchema),
  method: 'tools/call',
  params: (values) => ({ name, arguments: values }),
})

export const promptAction = ({ name, description, tags, definition }: Item): Action => ({
  title: name,
  description,
  tags,
  verb: 'Get',
  fields: promptFields(definition),
  method: 'prompts/get',
  params: (values) => ({ name, arguments: values }),
})

/** A resource is read at once; the URI of a template is completed first. */
export const resourceAction = ({ name, description, tags }: Item): Action => ({
  title: name,
  description,
  tags,
  verb: 'Read',
  fields: tags.includes('template') ? [{ ...URI, initial: name }] : [],
  method: 'resources/read',
  params: ({ uri }) => ({ uri: uri ?? name }),
})

const URI: Field = {
  name: 'uri',
  type: 'text',
  required: true,
  description: 'The URI, with values in place of what is in braces',
  initial: '',
  choices: [],
}
