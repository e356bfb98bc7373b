import { usageError } from '../errors.ts'
import { didYouMean } from '../suggest.ts'

/** What `-o` asks for. */
export type Format =
  | { readonly type: 'table'; readonly wide: boolean }
  | { readonly type: 'json' | 'yaml' | 'name' }
  | { readonly type: 'jsonpath'; readonly template: string }

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath=']

/** `-o`, the same for every verb that prints resources. */
export const outputOption = {
  type: 'string',
  short: 'o',
  describe: 'Output: table, wide, json, yaml, name, jsonpath=TEMPLATE',
  complete: { words: FORMATS },
} as const

/** @throws CliError `usage` for a format that does not exist */
export const formatOf = (text: string | undefined): Format => {
  if (text === undefined || text === '' || text === 'table') return { type: 'table', wide: false }
  if (text === 'wide') return { type: 'table', wide: true }
  if (text === 'json' || text === 'yaml' || text === 'name') return { type: text }
  if (text.startsWith('jsonpath=')) return { type: 'jsonpath', template: text.slice('jsonpath='.length) }
  const hint = didYouMean(text, FORMATS, `Formats: ${FORMATS.map((each) => each.replace('=', '=TEMPLATE')).join(', ')}`)
  throw usageError(`there is no output format "${text}"`, hint)
}

/** For verbs that print one document: text for people, or the whole of it. */
export const dataOption = {
  type: 'string',
  short: 'o',
  describe: 'Output: json or yaml',
  choices: ['json', 'yaml'],
} as const
