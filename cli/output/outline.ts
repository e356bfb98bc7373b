import { neutralLine } from './neutral.ts'

/** Least width of labels; longer ones widen the column of their level. */
const MIN_WIDTH = 12

/**
 * Nested values as `describe` prints them: `Name:       x`, deeper ones indented by two, lists with dashes. Absent members are left
 * out; an empty object or list is `<none>`.
 */
export const outline = (values: Readonly<Record<string, unknown>>, indent = ''): readonly string[] => {
  const members = Object.entries(values).filter(([, value]) => value !== undefined)
  const labels = members.map(([key]) => `${neutralLine(key)}:`)
  const width = Math.max(MIN_WIDTH, ...labels.map((label) => label.length + 1))
  return members.flatMap(([, value], i) => member(labels[i] ?? '', value, indent, width))
}

const member = (label: string, value: unknown, indent: string, width: number): readonly string[] => {
  if (isEmpty(value)) return [`${indent}${label.padEnd(width)}<none>`]
  if (typeof value !== 'object' || value === null) {
    const lines = String(value).replace(/\n$/, '').split('\n').map(neutralLine)
    return lines.length === 1
      ? [`${indent}${label.padEnd(width)}${lines[0]}`]
      : [`${indent}${label}`, ...lines.map((line) => `${indent}  ${line}`)]
  }
  return [`${indent}${label}`, ...nested(value, `${indent}  `)]
}

const nested = (value: object, indent: string): readonly string[] =>
  Array.isArray(value) ? value.flatMap((each) => item(each, indent)) : outline({ ...value }, indent)

const item = (value: unknown, indent: string): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [`${indent}- ${neutralLine(String(value))}`]
  const [first, ...others] = nested(value, `${indent}  `)
  return [`${indent}- ${(first ?? '').trimStart()}`, ...others]
}

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  (typeof value === 'object' && Object.values(value).filter((each) => each !== undefined).length === 0)
