import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import { readArgument } from '../tool-arguments/parse.ts'
import { branchesOf, type JsonType, memberOf, namesOf, typesOf, valuesOf } from '../tool-arguments/schema.ts'

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

/** The fields of a JSON Schema of an object, references in it followed; what is no plain value is asked for as JSON. */
export const fieldsOf = (schema: unknown): readonly Field[] => {
  if (!isObject(schema)) return []
  const branches = branchesOf({ schema, root: schema })
  const isRequired = (name: string) =>
    branches.every(({ required }) => Array.isArray(required) && required.some((each) => each === name))
  return namesOf(branches)
    .map((name) => {
      const place = memberOf(branches, schema, name)
      return field(name, place === undefined ? [] : branchesOf(place), isRequired(name))
    })
    .sort((a, b) => Number(b.required) - Number(a.required))
}

/** The fields of a prompt: texts, by the protocol. */
export const promptFields = (prompt: JsonObject): readonly Field[] =>
  (Array.isArray(prompt.arguments) ? prompt.arguments : []).filter(isObject).map((argument: JsonObject) => ({
    ...field(String(argument.name), [{ type: 'string' }], argument.required === true),
    description: textOf(argument.description),
  }))

const field = (name: string, branches: readonly JsonObject[], required: boolean): Field => {
  const choices = valuesOf(branches) ?? []
  const type = choices.length > 0 ? 'choice' : typeOf(typesOf(branches))
  const first = (key: string): JsonValue | undefined => branches.find((branch) => branch[key] !== undefined)?.[key]
  const preset = first('default')
  const initial = preset === undefined || preset === null ? '' : shownAs(type, preset)
  return { name, type, required, choices, initial, description: textOf(first('description')) }
}

/** What may be left out instead of null is asked for as what it else is. */
const typeOf = (types: ReadonlySet<JsonType>): Field['type'] => {
  const [only, ...others] = [...types].filter((type) => type !== 'null')
  if (others.length > 0) return 'json'
  if (only === 'string') return 'text'
  return only === 'number' || only === 'integer' || only === 'boolean' ? only : 'json'
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
  number: 'must be a number: 5, -2.5 or 1e3',
  integer: 'must be a whole number, of 15 digits at most',
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
    case 'number':
    case 'integer':
      return unlessThrown(() => readArgument('', [text], { schema: { type }, root: {} }) as JsonValue)
    case 'json':
      return unlessThrown(() => JSON.parse(text))
  }
}

const unlessThrown = (read: () => JsonValue): JsonValue | undefined => {
  try {
    return read()
  } catch {
    return undefined // said by what it has to be
  }
}

/** The texts that a choice or a switch goes through; the first is none where it may be left out. */
export const optionsOf = ({ type, choices, required }: Field): readonly string[] => {
  if (type !== 'boolean' && type !== 'choice') return []
  const values = type === 'boolean' ? ['true', 'false'] : choices.map((choice) => shownAs(type, choice))
  return required ? values : ['', ...values]
}
