import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'

/** One argument of a tool or prompt, as a form asks for it. */
export interface Field {
  readonly name: string
  readonly type: 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'json'
  readonly required: boolean
  readonly description: string
  /** What the form begins with. */
  readonly initial: string
  /** Of a choice: the values that there are. */
  readonly choices: readonly JsonValue[]
}

/** The fields of a JSON Schema of an object; what is no plain value is asked for as JSON. */
export const fieldsOf = (schema: unknown): readonly Field[] => {
  if (!isObject(schema) || !isObject(schema.properties)) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(schema.properties)
    .map(([name, property]) => field(name, isObject(property) ? property : {}, required.includes(name)))
    .sort((a, b) => Number(b.required) - Number(a.required))
}

/** The fields of a prompt: texts, by the protocol. */
export const promptFields = (prompt: JsonObject): readonly Field[] =>
  (Array.isArray(prompt.arguments) ? prompt.arguments : []).filter(isObject).map((argument: JsonObject) => ({
    ...field(String(argument.name), { type: 'string' }, argument.required === true),
    description: textOf(argument.description),
  }))

const field = (name: string, schema: JsonObject, required: boolean): Field => {
  const choices = choicesOf(schema)
  const type = choices.length > 0 ? 'choice' : typeOf(schema.type)
  const initial = schema.default === undefined ? '' : shownAs(type, schema.default)
  return { name, type, required, choices, initial, description: textOf(schema.description) }
}

const choicesOf = (schema: JsonObject): readonly JsonValue[] => {
  if (Array.isArray(schema.enum)) return schema.enum
  return schema.const === undefined ? [] : [schema.const]
}

const typeOf = (type: JsonValue | undefined): Field['type'] => {
  if (type === 'string') return 'text'
  return type === 'number' || type === 'integer' || type === 'boolean' ? type : 'json'
}

const shownAs = (type: Field['type'], value: JsonValue): string =>
  typeof value === 'string' && type !== 'json' ? value : JSON.stringify(value)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What was typed, as arguments; or what is wrong, by field. An empty optional field is left out. */
export const argumentsOf = (
  fields: readonly Field[],
  typed: Readonly<Record<string, string>>,
): { readonly values: JsonObject } | { readonly wrong: Readonly<Record<string, string>> } => {
  const values: Record<string, JsonValue> = {}
  const wrong: Record<string, string> = {}
  for (const each of fields) {
    const text = typed[each.name] ?? each.initial
    if (text === '') {
      if (each.required) wrong[each.name] = each.type === 'text' ? 'is needed ("" for an empty text)' : 'is needed'
      continue
    }
    const value = typedValue(each, text)
    if (value === undefined) wrong[each.name] = WANTED[each.type]
    else values[each.name] = value
  }
  return Object.keys(wrong).length === 0 ? { values } : { wrong }
}

const WANTED: Readonly<Record<Field['type'], string>> = {
  text: 'must be a text',
  number: 'must be a number',
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  choice: 'must be one of the choices',
  json: 'must be JSON; a text stands in quotes',
}

const typedValue = ({ type, choices }: Field, text: string): JsonValue | undefined => {
  switch (type) {
    case 'text':
      return text === '""' ? '' : text
    case 'choice':
      return choices.find((choice) => shownAs(type, choice) === text)
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'number':
    case 'integer': {
      const number = text.trim() === '' ? Number.NaN : Number(text)
      return Number.isFinite(number) && (type === 'number' || Number.isInteger(number)) ? number : undefined
    }
    case 'json':
      return parsed(text)
  }
}

const parsed = (text: string): JsonValue | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The texts that a choice or a switch goes through; the first is none where it may be left out. */
export const optionsOf = ({ type, choices, required }: Field): readonly string[] => {
  if (type !== 'boolean' && type !== 'choice') return []
  const values = type === 'boolean' ? ['true', 'false'] : choices.map((choice) => shownAs(type, choice))
  return required ? values : ['', ...values]
}
