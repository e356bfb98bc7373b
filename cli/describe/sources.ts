import { isObject, type JsonValue } from '../../domain/kernel/json.ts'

/**
 * Variables or headers by name, each with where its value comes from. A literal may be a secret that somebody has
 * written into the spec by mistake, and what is described is pasted into chats and tickets: it is shown only when asked for.
 */
export const bySource = (list: JsonValue | undefined, showValues: boolean): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (Array.isArray(list) ? list : []).flatMap((each: JsonValue) =>
      isObject(each) && typeof each.name === 'string'
        ? [[each.name, sourceText(each.value, each.valueFrom, showValues)]]
        : [],
    ),
  )

const sourceText = (value: JsonValue | undefined, valueFrom: JsonValue | undefined, showValues: boolean): string => {
  const ref = isObject(valueFrom) && isObject(valueFrom.secretRef) ? valueFrom.secretRef : undefined
  if (ref !== undefined) return `<set to key ${String(ref.key)} of secret/${String(ref.name)}>`
  if (value === '') return '<empty>'
  return showValues && typeof value === 'string' ? value : '<a value in the spec; --show-values shows it>'
}
